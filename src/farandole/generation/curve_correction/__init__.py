"""Completing gaps by curves that a network corrects."""
