"""The starter corpus: procedural groove, recordings that may be trained on, and songs synthesised on their beats."""
