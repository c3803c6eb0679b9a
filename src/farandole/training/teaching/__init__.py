"""A new style from a few recordings: read, rehearsed with the old ones, trained from weights that are there, and measured."""
