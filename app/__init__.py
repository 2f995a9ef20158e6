"""Whetstone: versioned prompts, datasets and evaluators, and the evaluations that compare them."""
