"""``tconv explore``: the explorer, a page in the browser served by this machine alone."""

from typing import Annotated

import typer

from tconv.cli import options as o

USUAL = {"i": "3x3", "k": "3", "s": "2"}


def explore(
    input: o.MaybeInput = None,
    kernel: o.MaybeKernel = None,
    stride: o.MaybeStride = None,
    padding: o.MaybePadding = None,
    output_padding: o.MaybeOutputPadding = None,
    dilation: o.MaybeDilation = None,
    output_size: o.MaybeOutput = None,
    x: o.InputValues = None,
    weight: o.KernelValues = None,
    view: Annotated[str | None, typer.Option(metavar="VIEW", help=f"{o.VIEWS}.")] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="0 takes any free one.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    print_url: Annotated[
        bool, typer.Option("--print-url", help="Print the address and nothing else.")
    ] = False,
) -> None:
    """Explore a layer in the browser: tconv explore -i 4x4 -k 3 -s 2 -p 1."""
    o.layer(
        input_size=input, kernel_size=kernel, stride=stride, padding=padding,
        output_padding=output_padding, dilation=dilation, output_size=output_size,
    )  # fmt: skip
    given = {
        "i": input, "k": kernel, "s": stride, "p": padding, "op": output_padding, "d": dilation,
        "o": output_size, "x": x, "w": weight, "view": view,
    }  # fmt: skip
    texts = {name: text for name, text in given.items() if text is not None}
    if not {"i", "k", "x", "w"} & texts.keys():
        texts = USUAL | texts
    for size, values in (("i", "x"), ("k", "w")):
        if not {size, values} & texts.keys():
            texts[size] = "3"
    from tconv.explanation import explain
    from tconv.explanation.page import Server
    from tconv.explanation.trace.written import read

    explain(**read(texts))
    with Server({"state": texts}, port) as server:
        print(
            server.url if print_url else f"tconv explorer at {server.url} (Ctrl-C stops)",
            flush=True,
        )
        if browser:
            import webbrowser

            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
