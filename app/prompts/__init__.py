"""Prompts: their typed content, and how it becomes the messages that a model sees."""
