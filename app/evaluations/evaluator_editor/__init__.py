"""The pages and routes on which an evaluator is written, tried on rows, and found again."""
