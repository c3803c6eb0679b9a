"""Procedural club dancing, made by rule from beats and loudness."""
