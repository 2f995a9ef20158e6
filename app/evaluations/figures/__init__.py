"""What runs came to, as numbers: scores as columns, intervals and changes, the report of them and its sentence."""
