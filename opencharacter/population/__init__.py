"""What a population of characters is like as a whole: attributes, names, texts, one page."""
