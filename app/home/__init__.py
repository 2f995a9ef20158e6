"""The first things people see: setting the server up, signing in, and the home page of a workspace."""
