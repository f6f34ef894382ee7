"""What is wrong with a dialogue: a pure function a check, for stages that make or read data."""
