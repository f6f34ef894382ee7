"""Reading anybody's training files: what is wrong with them, and a mended copy."""
