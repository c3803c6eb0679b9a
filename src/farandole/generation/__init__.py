"""Making motion with a trained model."""
