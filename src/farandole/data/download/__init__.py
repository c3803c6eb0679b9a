"""Open corpora from their makers' addresses."""
