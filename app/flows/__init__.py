"""Flows: several steps as one, told apart by attributes that people choose. Their logs are the roots of traces."""
