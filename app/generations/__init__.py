"""Generations: a version and its inputs become a model's answer and a log."""
