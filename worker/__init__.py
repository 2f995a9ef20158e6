"""The Celery side of Whetstone: the app, and thin tasks that call the domains."""
