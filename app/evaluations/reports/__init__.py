"""The page of a report, in parts; its exports, and links that show it without an account."""
