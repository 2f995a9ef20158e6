"""Comments on versions, rows and logs, and whom they mention."""
