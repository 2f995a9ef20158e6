"""Tools: what a model may call, or code does between calls, described and kept in versions."""
