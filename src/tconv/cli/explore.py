"""``tconv explore``: the explorer, a page in the browser served by this machine alone."""

import webbrowser
from typing import Annotated

import typer

from tconv.cli import options as o
from tconv.explorer import Server
from tconv.traces import VIEWS
from tconv.traces.written import traced

USUAL = {"i": "3x3", "k": "3", "s": "2"}


def explore(
    input: o.MaybeInput = None,
    kernel: o.MaybeKernel = None,
    stride: o.MaybeStride = None,
    padding: o.MaybePadding = None,
    output_padding: o.MaybeOutputPadding = None,
    dilation: o.MaybeDilation = None,
    x: o.InputValues = None,
    weight: o.KernelValues = None,
    view: Annotated[str | None, typer.Option(help=", ".join(VIEWS))] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    print_url: Annotated[
        bool, typer.Option("--print-url", help="Print the address and nothing else.")
    ] = False,
) -> None:
    """Explore a layer in the browser: [b]tconv explore -i 4x4 -k 3 -s 2 -p 1[/b]."""
    given = {
        "i": input, "k": kernel, "s": stride, "p": padding, "op": output_padding, "d": dilation,
        "x": x, "w": weight, "view": view,
    }  # fmt: skip
    texts = {name: text for name, text in given.items() if text is not None}
    if not {"i", "k", "x", "w"} & texts.keys():
        texts = USUAL | texts
    traced(texts)
    with Server({"state": texts}, port) as server:
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
