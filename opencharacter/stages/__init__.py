"""The recipes: one file per stage, read top to bottom."""
