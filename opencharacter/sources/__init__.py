"""Personas and instructions out of files, folders and the hub: exact, streaming, tolerant."""
