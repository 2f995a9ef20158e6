"""Estimates with their uncertainty: pure functions over numbers, which import nothing of the application."""
