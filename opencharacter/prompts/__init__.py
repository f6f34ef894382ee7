"""The texts that models are shown: one home, so that training, testing and use see the same."""
