"""Training; for now that of the embedded model."""
