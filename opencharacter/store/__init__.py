"""What is on disk: parts, claims, completion logs, manifests and dataset cards."""
