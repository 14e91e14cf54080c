"""`python -m geminid`: the same as the `geminid` command."""

import sys

from geminid.cli import main

if __name__ == "__main__":
    sys.exit(main())
