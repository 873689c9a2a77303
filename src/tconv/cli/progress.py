"""The progress bar of long work."""

from rich.console import Console
from rich.progress import Progress


def progress_bar() -> Progress:
    """Return a bar that shows on a terminal, leaves nothing behind and says nothing elsewhere."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
