"""opencharacter: role-playing language models from large-scale synthetic personas."""

__version__ = "0.1.0"
