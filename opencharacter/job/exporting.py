"""What an export says when it is done."""

from opencharacter.store.exports import Export


def say_written(written: Export, *, layout: str) -> None:
    """Print where the rows are, what they replace, and how to load them."""
    replaced = f" (instead of {written.replaced.name})" if written.replaced else ""
    print(f"{layout} rows: {written.path}{replaced}")
    print(f'Load them: datasets.load_dataset("{written.path.parent}")')
