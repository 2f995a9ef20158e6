"""The API's own documentation: its description as OpenAPI, and pages to read it."""
