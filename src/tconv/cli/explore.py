"""``tconv explore``: the explorer, a page in the browser served by this machine alone."""

import webbrowser
from typing import Annotated

import typer

from tconv.cli import options as o
from tconv.explorer import Server
from tconv.geometry import Geometry
from tconv.traces import VIEWS, explain


def explore(
    input: o.MaybeInput = None,
    kernel: o.MaybeKernel = None,
    stride: o.Stride = "1",
    padding: o.Padding = "0",
    output_padding: o.OutputPadding = "0",
    dilation: o.Dilation = "1",
    view: Annotated[str, typer.Option(help=", ".join(VIEWS))] = "scatter",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    print_url: Annotated[
        bool, typer.Option("--print-url", help="Print the address and nothing else.")
    ] = False,
) -> None:
    """Explore a layer in the browser: [b]tconv explore -i 4x4 -k 3 -s 2 -p 1[/b]."""
    state = {"view": view}
    if input is not None or kernel is not None:
        state = _state(input, kernel, stride, padding, output_padding, dilation, view)
    elif view not in VIEWS:
        raise ValueError(f"view {view!r} is not one of {', '.join(VIEWS)}")
    with Server({"state": state}, port) as server:
        print(
            server.url if print_url else f"tconv explorer at {server.url} (Ctrl-C stops)",
            flush=True,
        )
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def _state(
    input: str | None, kernel: str | None, stride: str, padding: str, output_padding: str,
    dilation: str, view: str,
) -> dict[str, str]:  # fmt: skip
    """Check what was asked for, and return it in the words of the page's links."""
    if input is None or kernel is None:
        raise ValueError("give --input and --kernel, or neither")
    geometry = Geometry.of(
        o.sizes("--input", input),
        o.sizes("--kernel", kernel),
        o.sizes("--stride", stride),
        o.padding("--padding", padding),
        o.sizes("--output-padding", output_padding),
        o.sizes("--dilation", dilation),
    )
    explain(geometry, view=view)
    if padding[:1].isalpha():
        padding = "x".join(f"{before}:{after}" for before, after in geometry.crop)
        output_padding = "0"
    return {
        "view": view,
        "i": "x".join(map(str, geometry.input_size)),
        "k": kernel,
        "s": stride,
        "p": padding,
        "op": output_padding,
        "d": dilation,
    }
