"""Networks as plain torch modules, one file per model; no training loops, no files."""
