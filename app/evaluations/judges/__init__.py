"""Judges as instruments: how far they agree with people, and what pulls them."""
