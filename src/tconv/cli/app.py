"""The commands put together; every failure becomes one line and an exit code."""

import os
import sys
from typing import Annotated

import typer

from tconv._version import __version__
from tconv.cli.check import check
from tconv.cli.explain import explain
from tconv.cli.explore import explore
from tconv.cli.solve import solve
from tconv.cli.upsample import upsample
from tconv.configuration import show_config
from tconv.media import MediaError

MISTAKE, INTERRUPTED = 2, 130

app = typer.Typer(
    help="Transposed convolution, done once and done right.",
    add_completion=False,
    rich_markup_mode="rich",
)
for command in (upsample, explain, explore, solve, check):
    app.command()(command)


@app.command()
def config() -> None:
    """Print versions, the engine in use and which optional parts are installed."""
    show_config()


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Transposed convolution, done once and done right."""
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : list of str
        As typed after ``tconv``.

    Returns
    -------
    int
        0; 1 where a check disagrees or nothing fits; 2 for a mistake, told in one line; 130 for
        an interrupt.
    """
    try:
        code = app(arguments, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _said("not enough memory; try a smaller --tile", MISTAKE)
    except ModuleNotFoundError as missing:
        return _said(f"{missing}; pip install 'tconv[cli]'", MISTAKE)
    except (MediaError, ValueError, OSError, ImportError) as error:
        return _said(str(error), MISTAKE)
    except Exception as error:
        if not hasattr(error, "format_message"):  # not one of the parser's own
            raise
        return _said(error.format_message(), MISTAKE)
    if code == INTERRUPTED:
        return _said("interrupted; nothing was written", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _said(message: str, code: int) -> int:
    print(f"tconv: {' '.join(message.split())}", file=sys.stderr)
    return code
