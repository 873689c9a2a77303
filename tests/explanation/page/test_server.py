"""The server, asked without a browser: one page, to this machine, and nothing else."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from threading import Thread

import pytest

import tconv
from tconv.cli.app import run
from tconv.explanation.page import Server, html, iframe, page


@pytest.fixture(scope="module")
def server():
    with Server({"state": {"i": "2x3"}}) as running:
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def asked(server, method="GET", path="/", **headers):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_it_serves_the_page_to_this_machine_alone(server):
    answer, body = asked(server)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert body.decode().startswith("<!doctype html>")
    assert b'id="start">{"state": {"i": "2x3"}}' in body
    assert server.server_address[0] == "127.0.0.1"


def test_head_has_no_body(server):
    answer, body = asked(server, "HEAD")
    assert (answer.status, body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1000


def test_gzip_where_it_is_accepted(server):
    _, plain = asked(server)
    answer, packed = asked(server, **{"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < 150_000


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_another_host_is_refused(server, host):
    answer, body = asked(server, Host=host.format(port=server.port))
    assert answer.status == 403
    assert b"tconv/app.js" not in body


def test_localhost_is_this_machine(server):
    assert asked(server, Host=f"localhost:{server.port}")[0].status == 200


@pytest.mark.parametrize(
    "path", ["/app.js", "/../pyproject.toml", "/page/", "/favicon.ico", "/%2e%2e/x"]
)
def test_other_paths_are_not_found(server, path):
    assert asked(server, path=path)[0].status == 404


def test_a_query_is_no_other_path(server):
    assert asked(server, path="/?a=b")[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(server, method):
    assert asked(server, method)[0].status == 501


def test_the_policy_lets_nothing_in(server):
    headers, body = asked(server)[0].headers, asked(server)[1].decode()
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    nonce = re.fullmatch(r"'nonce-([\w-]+)'", policy["script-src"])[1]
    scripts = re.findall(r"<script[^>]*>", body)
    assert scripts
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_every_server_has_a_nonce_of_its_own():
    with Server() as one, Server() as other:
        assert one.headers["Content-Security-Policy"] != other.headers["Content-Security-Policy"]


def test_the_page_names_no_address_elsewhere():
    text = page()
    addresses = set(re.findall(r"https?://[^\s\"'`<>)%]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)


def test_every_import_is_in_the_map():
    text = page()
    modules = json.loads(re.search(r'<script type="importmap">(.*?)</script>', text, re.S)[1])[
        "imports"
    ]
    assert "tconv/app.js" in modules
    for name, source in modules.items():
        for imported in re.findall(r'from%20"([^"]+)"|from "([^"]+)"', source):
            assert "".join(imported) in modules, (name, imported)
        assert not re.search(r'from "\.', source), name


def test_what_it_starts_with_cannot_leave_its_element():
    text = page({"state": {"x": "</script><script>alert(1)</script>"}})
    assert "</script><script>alert" not in text
    start = re.search(r'id="start">(.*?)</script>', text, re.S)[1]
    assert json.loads(start)["state"]["x"].startswith("</script>")


def test_a_trace_as_a_page_and_as_an_element_of_a_notebook():
    trace = tconv.explain(2, 3, x=[1, 2], weight=[1, 10, 100])
    start = re.search(r'id="start">(.*?)</script>', html(trace), re.S)[1]
    assert json.loads(start)["trace"] == json.loads(trace.to_json())
    element = iframe(trace, height=300)
    assert element.count("<") == 2
    assert 'sandbox="allow-scripts allow-downloads"' in element
    assert "height:300px" in element


COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs may ignore it
from tconv.cli import main
raise SystemExit(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_the_command_prints_its_address_and_stops_on_an_interrupt():
    layer = ["-i", "4x6", "-k", "3", "-s", "2", "-p", "same"]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "explore", *layer, "--no-browser", "--print-url"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = process.stdout.readline().strip()
        port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", url)[1])
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        body = connection.getresponse().read().decode()
        connection.close()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, complaints) == (0, "")
    start = json.loads(re.search(r'id="start">(.*?)</script>', body, re.S)[1])
    assert start["state"] == {"i": "4x6", "k": "3", "s": "2", "p": "same"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-i", "4", "-k", "3", "-p", "9"], "pad less"),
        (["-i", "4", "-k", "0"], "kernel_size must be at least 1"),
        (["-i", "4", "-k", "x"], "--kernel: '' is not an integer"),
        (["--x", "1,2;3", "-k", "3"], "rows of equal length"),
        (["-i", "4", "-k", "3", "--view", "sideways"], "is not one of"),
        (["-i", "400x400", "-k", "3"], "can be followed by eye"),
        (["-i", "four", "-k", "3"], "not an integer"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(capsys, words, said):
    assert run(["explore", "--no-browser", *words]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_a_port_in_use_is_told_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run(["explore", "--no-browser", "--port", port]) == 2
    assert capsys.readouterr().err.count("\n") == 1
