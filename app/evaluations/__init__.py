"""Evaluations: versions against rows against evaluators; running them, and reading what they say."""
