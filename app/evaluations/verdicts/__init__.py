"""Judging one output by an evaluator: the calls that it needs, what they cost, and when to give up."""
