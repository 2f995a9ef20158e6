"""Monitoring: evaluators that judge every new log of a file."""
