"""Completing from the left, a few frames at a time."""
