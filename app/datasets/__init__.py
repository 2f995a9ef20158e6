"""Datasets: rows stored once per content, and versions that are lists of them."""
