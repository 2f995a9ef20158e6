"""Exports of a workspace in the layout of Humanloop's export tool, and imports of such exports."""
