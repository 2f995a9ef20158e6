"""Versions of one prompt on the same rows, step by step: what each change did, and running what is missing."""
