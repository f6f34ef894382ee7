"""How synthetic data is made: assignment, sessions for each method, filters, knowledge checks."""
