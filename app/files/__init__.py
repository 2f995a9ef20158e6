"""Files: paths with immutable versions, the directories they lie in, and what is deployed where."""
