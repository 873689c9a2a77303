"""The command ``tconv``."""

import sys

from tconv.cli.app import run


def main() -> int:
    """Run the command on the arguments it was called with and return its exit code."""
    return run(sys.argv[1:])
