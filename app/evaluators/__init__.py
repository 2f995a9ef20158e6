"""Evaluators: what judges an output, their kinds, forms and specs. No evaluator calls a model itself."""
