"""Fail when a file under src/ is too long to be about one thing."""

import sys
from pathlib import Path

LIMIT = 600


def main() -> int:
    sizes = {path: len(path.read_text().splitlines()) for path in Path("src").rglob("*.py")}
    long = {path: lines for path, lines in sizes.items() if lines > LIMIT}
    for path, lines in sorted(long.items()):
        print(f"{path}: {lines} lines, more than {LIMIT}: split it")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())
