"""The page served on this machine alone."""

import gzip
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tconv.explanation.page.assembling import page

LOOPBACK = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """Serves the explorer's page, and nothing else, to this machine.

    Parameters
    ----------
    start : mapping, optional
        What the page shows first; see :func:`tconv.explanation.page.page`.
    port : int
        0 takes any free one.

    Examples
    --------
    >>> with Server() as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    daemon_threads = True

    def __init__(self, start: Mapping[str, Any] | None = None, port: int = 0) -> None:
        nonce = secrets.token_urlsafe(16)
        self.body = page(start, nonce).encode()
        self.packed = gzip.compress(self.body, mtime=0)
        self.headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": (
                f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; "
                "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Vary": "Accept-Encoding",
        }
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def port(self) -> int:
        """The port listened on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.port}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = "tconv"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        # A page elsewhere may point its own name at this machine; its requests carry that name.
        if self.headers.get("Host") not in (
            f"{LOOPBACK}:{self.server.port}",
            f"localhost:{self.server.port}",
        ):
            self.send_error(HTTPStatus.FORBIDDEN, "Only this machine is served")
            return
        if self.path.partition("?")[0] != "/":
            self.send_error(HTTPStatus.NOT_FOUND, "There is one page here, at /")
            return
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        body = self.server.packed if packed else self.server.body
        self.send_response(HTTPStatus.OK)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
