"""Mixtures: which responses enter, and the rows they become."""
