"""The `clarion` command. Exit codes: 0 done, 1 failed or invalid, 2 wrong usage, 130 interrupted."""

import sys


def main() -> None:
    """Run the command line of this process and exit with its code."""
    from clarion.cli.app import run

    sys.exit(run(sys.argv[1:]))
