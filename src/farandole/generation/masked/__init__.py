"""Completing hidden frames of a window all at once."""
