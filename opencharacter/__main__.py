"""`python -m opencharacter`: see `opencharacter.cli`."""

import sys

from opencharacter.cli import main

if __name__ == "__main__":
    sys.exit(main())
