"""What models are trained for: a batch of windows to losses. Plain torch; no trainer, no files."""
