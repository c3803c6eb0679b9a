"""Checkpoint folders: one format, one reader, one writer, one card, one export, one session, for every model."""
