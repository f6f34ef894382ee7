"""What the scores of one run say, and of several: numbers, tables, one page."""
