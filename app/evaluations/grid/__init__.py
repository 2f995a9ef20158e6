"""Rows against versions: the comparison grid, one row in all its versions, and what is odd about a row."""
