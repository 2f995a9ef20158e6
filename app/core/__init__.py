"""The ground floor: what every domain stands on. Imports no domain."""
