"""Run the command with ``python -m focal_boost``."""

import sys

from focal_boost.command import main

if __name__ == "__main__":
    sys.exit(main())
