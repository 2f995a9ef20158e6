"""Logs: one execution of a version each, and the judgments on them."""
