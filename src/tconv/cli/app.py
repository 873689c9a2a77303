"""The commands put together; every failure becomes one line and an exit code.

A command's module, and what it needs, is loaded only when it is called.
"""

import os
import sys
from importlib import import_module
from typing import Any

from tconv._version import __version__

MISTAKE, INTERRUPTED = 2, 130
NEEDED = ("typer", "rich", "scipy", "pyvips", "soundfile")
HELP = ("--help", "-h", "help")

COMMANDS = {  # the first line of each docstring
    "upsample": "Resample a picture, sound or array: tconv upsample photo.jpg --size 1920x1080.",
    "explain": "Explain sizes, phases, overlap, waste and code: tconv explain -i 4 -k 3 -s 2 -p 1.",
    "explore": "Explore a layer in the browser: tconv explore -i 4x4 -k 3 -s 2 -p 1.",
    "solve": "List parameters that fit, least surprising first: tconv solve -i 4 -O 8.",
    "accelerate": "Let tconv compute the layers of a PyTorch model: tconv accelerate model.pt2.",
    "bench": "Time a model's layers in ONNX Runtime and in tconv: tconv bench model.onnx.",
    "check": "Compare every method and every installed framework with the definition.",
    "config": "Print versions, the engine in use and which optional parts are installed.",
}


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : list of str
        As typed after ``tconv``.

    Returns
    -------
    int
        0; 1 where a check disagrees or nothing fits; 2 for a mistake, reported in one line; 130 for
        an interrupt.
    """
    name, *rest = arguments or HELP[:1]
    if name in HELP and rest:
        name, rest = rest[0], [HELP[0]]
    try:
        code = _run(name, rest)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _said("interrupted; nothing was written", INTERRUPTED)
    except MemoryError:
        hint = "; try a smaller --tile" if name == "upsample" else ""
        return _said(f"not enough memory{hint}", MISTAKE)
    except Exception as error:
        mistake = _mistake(name, error)
        if mistake is None:
            raise
        return _said(mistake, MISTAKE)


def _run(name: str, rest: list[str]) -> int:
    if name in COMMANDS and (rest or name != "config"):
        return _called(name, rest)
    if name == "config":  # needs no parser: it tells what is not installed
        import_module("tconv.configuration").show_config()
    elif name in HELP:
        print(_overview())
    elif name == "--version":
        print(__version__)
    else:
        return _said(_unknown(name), MISTAKE)
    return 0


def parser(name: str) -> Any:
    """Return a command as Typer parses it."""
    import typer

    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    command = getattr(import_module(f"tconv.cli.{name}"), name)
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(command)
    return app


def _called(name: str, arguments: list[str]) -> int:
    command = parser(name)
    from typer import Abort

    try:
        code = command(arguments, prog_name=f"tconv {name}", standalone_mode=False)
    except Abort:
        code = INTERRUPTED
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _overview() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {line}" for name, line in COMMANDS.items())
    return f"""Usage: tconv COMMAND [OPTIONS]

  Transposed convolution, done once and done right.

Commands:
{commands}

Options:
  --version   Print the version.
  -h, --help  Print this; after a command, what it takes."""


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    if name.startswith("-"):
        return f"No such option: {name}; see tconv --help"
    if "." in name:
        return f"No such command {name!r}; to enlarge a file: tconv upsample {name}"
    close = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(COMMANDS)}"
    return f"No such command {name!r}; {hint}"


def _mistake(name: str, error: Exception) -> str | None:
    """Return what to say of a failure that is the caller's, or None."""
    if isinstance(error, ModuleNotFoundError):
        library = (error.name or "").partition(".")[0]
        if library == "tconv":
            return None
        if library == "torch":
            return "the command needs PyTorch: pip install 'tconv[cli,torch]'"
        if library in ("onnx", "onnxruntime"):
            return f"the command needs {library}: pip install 'tconv[cli,onnx]'"
        if library in NEEDED:
            return f"the command needs {library}: pip install 'tconv[cli]'"
        return f"{error}; pip install 'tconv[cli]'"
    if isinstance(error, ValueError | OSError | ImportError):
        return str(error)
    if hasattr(error, "format_message"):  # one of the parser's own
        said = error.format_message().rstrip(".")
        mark = "" if said.endswith("?") else ";"
        return f"{said}{mark} {_instead(error)}see tconv {name} --help"
    from tconv.media import MediaError

    return str(error) if isinstance(error, MediaError) else None


def _instead(error: Any) -> str:
    """Return a hint where a short option exists in the other case: ``-O``, the output size."""
    other = getattr(error, "option_name", "").swapcase()
    for parameter in error.ctx.command.params if error.ctx else ():
        if other in parameter.opts:
            return f"did you mean {', '.join(reversed(parameter.opts))}? "
    return ""


def _said(message: str, code: int) -> int:
    print(f"tconv: {' '.join(message.split())}", file=sys.stderr)
    return code
