"""Training data by kind: batches of windows of a feature folder, each a function of the step alone."""
