"""Tasks, one file a domain. Each is a few lines: it takes ids and calls the domain."""
