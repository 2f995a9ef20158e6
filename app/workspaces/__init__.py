"""Workspaces: who belongs to them, in which role, with which keys, and what they did."""
