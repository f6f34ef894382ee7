"""How sure a figure of an evaluation is: intervals, comparisons, agreement, bounds.

Pure functions of arrays, numpy alone. The unit of chance is the character: the scores of one are
alike, so whole characters are resampled, flipped and left out. What is missing is None, never a
number; NaN and infinity are refused. The mean of nothing is None with n = 0. docs/statistics.md
says which question is whose, and how often each interval holds what it should.
"""
