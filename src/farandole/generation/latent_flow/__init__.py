"""Completing window after window of latents, each from noise in several steps of a flow."""
