"""What `experiments/` runs and concludes."""
