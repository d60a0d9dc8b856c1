"""Documents from addresses: only public ones, only what is asked for, never for longer than was said."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.adapters.documents.fetch import is_public
from bot.adapters.documents.reader import SourceReader
from bot.core.errors import DocumentError
from tests.ingest.papers import Piece, as_html, pdf_of

PAGE = as_html([Piece("title", "Falls on ward four"), Piece("paragraph", "Nine people fell in March. Two at night.")])

REPORT = "BT /F1 11 Tf 72 700 Td (A report in few words.) Tj ET"

HTML = "text/html; charset=utf-8"
PLAIN: dict[str, tuple[bytes, str, dict[str, str]]] = {
    "/page": (PAGE, HTML, {}),
    "/page.html": (PAGE, HTML, {}),
    "/gone.pdf": (PAGE, HTML, {}),
    "/picture": (b"\x89PNG\r\n\x1a\n", "image/png", {}),
    "/report.pdf": (pdf_of([REPORT]), "application/octet-stream", {}),
    "/packed": (gzip.compress(PAGE), HTML, {"Content_Encoding": "gzip"}),
    "/bomb": (gzip.compress(bytes(60_000_000)), HTML, {"Content_Encoding": "gzip"}),
    "/odd": (PAGE, HTML, {"Content_Encoding": "br"}),
}


class Site(BaseHTTPRequestHandler):
    """A small web site with all that can go wrong."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Keep the test's output clean."""

    def _answer(self, body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200, **more: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, self.headers["Host"]))
        with suppress(OSError):  # the reader hangs up on us: that is what the tests are about
            self._serve(server)

    def _serve(self, server: Any) -> None:
        path = self.path.partition("?")[0]
        if path in PLAIN:
            body, kind, more = PLAIN[path]
            self._answer(body, kind, **more)
        elif path.startswith("/to/"):
            self._answer(b"", status=302, Location=server.targets[path[4:]])
        elif path == "/huge":
            self.send_response(200)
            self.send_header("Content-Length", "50000001")
            self.end_headers()
        elif path == "/endless":
            self._endless()
        elif path == "/drip":
            self._drip(server)
        elif path == "/silent":
            server.released.wait(20)
        else:
            self._answer(b"nothing", status=int(path[1:]) if path[1:].isdigit() else 404)

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(200):
            self.wfile.write(b"a" * 1_000_000)

    def _drip(self, server: Any) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.released.wait(0.05):
            self.wfile.write(b"z")
            self.wfile.flush()


@pytest.fixture
def site() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.seen, server.targets, server.released = [], {}, threading.Event()
    server.where = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def reader(site: Any, *, seconds: float = 20.0, max_bytes: int = 50_000_000) -> SourceReader:
    return SourceReader(seconds=seconds, max_bytes=max_bytes, allowed=frozenset({site.where}))


def test_a_page_is_fetched_and_read(site: Any) -> None:
    read = reader(site).read(f"http://{site.where}/page.html?from=mail#top")
    assert read.name == f"http://{site.where}/page.html"
    assert read.blocks == ("Falls on ward four", "Nine people fell in March. Two at night.")
    assert read.headings == {0}


def test_a_file_is_told_by_its_bytes_not_by_what_the_server_calls_it(site: Any) -> None:
    assert reader(site).read(f"http://{site.where}/report.pdf").blocks == ("A report in few words.",)
    with pytest.raises(DocumentError, match="named like a PDF but is a web page"):
        reader(site).read(f"http://{site.where}/gone.pdf")


def test_redirects_are_followed_a_few_times(site: Any) -> None:
    site.targets.update({"a": "/to/b", "b": f"http://{site.where}/page", "loop": "/to/loop"})
    assert reader(site).read(f"http://{site.where}/to/a").blocks[0] == "Falls on ward four"
    with pytest.raises(DocumentError, match="sends us on more than 5 times"):
        reader(site).read(f"http://{site.where}/to/loop")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://127.0.0.1:9/admin", "private network"),
        ("http://localhost:9/", "private network"),
        ("http://169.254.169.254/latest/meta-data/", "private network"),
        ("http://[::1]:9/", "private network"),
        ("http://[::ffff:10.0.0.1]/", "private network"),
        ("http://0x7f000001:9/", "private network"),
        ("file:///etc/hostname", "not http or https"),
        ("ftp://127.0.0.1/a", "not http or https"),
        ("http://me:pw@127.0.0.1:9/", "a sign-in within its address"),
    ],
)
def test_a_redirect_away_from_the_public_internet_is_refused(site: Any, target: str, reason: str) -> None:
    site.targets["away"] = target
    with pytest.raises(DocumentError, match=reason):
        reader(site).read(f"http://{site.where}/to/away")
    assert [path for path, _ in site.seen] == ["/to/away"]


def test_a_private_address_is_refused_before_anything_is_sent(site: Any) -> None:
    with pytest.raises(DocumentError, match="private network"):
        SourceReader().read(f"http://{site.where}/page.html")
    assert site.seen == []


def test_a_name_with_one_private_address_among_its_own_is_refused(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.1.2.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: found)
    with pytest.raises(DocumentError, match="private network"):
        SourceReader().read("http://docs.example/page")


def test_the_address_that_was_checked_is_the_one_that_is_used(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def changing(host: Any, *args: Any, **more: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1" if host == "docs.example" and asked.count("docs.example") == 1 else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    allowed = SourceReader(seconds=10, allowed=frozenset({f"docs.example:{site.server_port}"}))
    assert allowed.read(f"http://docs.example:{site.server_port}/page").blocks[0] == "Falls on ward four"
    assert asked.count("docs.example") == 1
    assert site.seen == [("/page", f"docs.example:{site.server_port}")]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::6810:85e5", True),
        ("10.0.0.1", False),
        ("172.16.5.4", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("::ffff:192.168.1.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("ff02::1", False),
    ],
)
def test_what_counts_as_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize("path", ["/silent", "/drip"])
def test_a_slow_server_is_left_in_time(site: Any, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(DocumentError, match="didn't arrive within 1 seconds"):
        reader(site, seconds=1.0).read(f"http://{site.where}{path}")
    assert time.monotonic() - began < 5


def test_a_dead_server_and_a_name_that_nobody_has_are_told_plainly(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DocumentError, match="no connection"):
            SourceReader(seconds=5, allowed=frozenset({where})).read(f"http://{where}/page")

    def unknown(*args: Any, **more: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DocumentError, match=r"no-such-host\.example can't be found"):
        SourceReader().read("https://no-such-host.example/a.pdf")


@pytest.mark.parametrize("path", ["/huge", "/endless", "/bomb"])
def test_too_much_is_cut_off(site: Any, path: str) -> None:
    with pytest.raises(DocumentError, match="is larger than 50 MB"):
        reader(site).read(f"http://{site.where}{path}")


def test_a_packed_page_is_unpacked_and_an_odd_packing_refused(site: Any) -> None:
    assert reader(site).read(f"http://{site.where}/packed").blocks[0] == "Falls on ward four"
    with pytest.raises(DocumentError, match="comes packed in a way"):
        reader(site).read(f"http://{site.where}/odd")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/picture", "is no document but image/png"),
        ("/404", "has nothing there"),
        ("/403", "doesn't let us in"),
        ("/500", r"answers with an error \(500\)"),
        ("/204", r"answers with an error \(204\)"),
    ],
)
def test_what_is_no_document_is_told_plainly(site: Any, path: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        reader(site).read(f"http://{site.where}{path}")


@pytest.mark.parametrize(
    "address",
    ["http://", "https:///x", "http://[", "http://a:99999999/", "http://exa mple/", "gopher://a/b", "http://\u2100/"],
)
def test_a_broken_address_is_told_plainly(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **more: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DocumentError):
        SourceReader().read(address)


def test_a_sign_in_within_an_address_is_not_shown_again() -> None:
    with pytest.raises(DocumentError) as told:
        SourceReader().read("https://ana:hunter2@docs.example/a")
    assert "hunter2" not in str(told.value)
