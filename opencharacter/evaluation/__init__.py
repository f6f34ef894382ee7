"""What is asked of a model under test: suites as items, and items as transcripts."""
