"""What an export says when it is done."""

from pathlib import Path


def say_written(path: Path, *, layout: str) -> None:
    """Print where the rows are, and how to load them."""
    print(f"{layout} rows: {path}")
    print(f'Load them: datasets.load_dataset("{path.parent}")')
