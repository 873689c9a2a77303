"""The command ``tconv``."""

import sys

NEEDED = ("typer", "rich", "scipy", "pyvips", "soundfile")


def main() -> int:
    """Run the command on the arguments it was called with and return its exit code."""
    try:
        from tconv.cli.app import run
    except ModuleNotFoundError as missing:
        library = (missing.name or "").partition(".")[0]
        if library not in NEEDED:
            raise
        print(f"tconv: the command needs {library}: pip install 'tconv[cli]'", file=sys.stderr)
        return 2
    return run(sys.argv[1:])
