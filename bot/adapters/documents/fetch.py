"""Fetches a document from an address, and only from the public internet.

Every hop of a redirect is looked up anew, all of its addresses must be public, and the connection goes to the very
address that was checked, so that a name can't point elsewhere a moment later. The whole takes at most 30 seconds.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from bot.adapters.documents.parts import Unreadable

_HOPS = 5
_CHUNK = 65_536
_MB = 1_000_000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REFUSED_TYPES = ("image/", "audio/", "video/", "font/")
_STATUS = {
    401: "asks for a sign-in",
    403: "doesn't let us in",
    404: "has nothing there (404)",
    410: "has nothing there any more (410)",
    429: "asks us to come back later (429)",
}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave."""

    url: str  # after redirects
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches one document at a time. `allowed`: "host:port" pairs that may be private, for tests only."""

    seconds: float = 30.0
    max_bytes: int = 50_000_000
    allowed: frozenset[str] = frozenset()

    def fetch(self, url: str) -> Fetched:
        """The document at an address. Raises Unreadable within the time, however slow the other side is."""
        result: list[Fetched | Unreadable] = []

        def work() -> None:
            try:
                result.append(self._follow(url, time.monotonic() + self.seconds))
            except Unreadable as error:
                result.append(error)

        # A thread of its own: neither a name look-up nor a server that drips headers can be timed from within.
        thread = threading.Thread(target=work, name="fetch", daemon=True)
        thread.start()
        thread.join(self.seconds + 0.5)
        if not result:
            raise self._too_slow()
        if isinstance(result[0], Unreadable):
            raise result[0]
        return result[0]

    def _too_slow(self) -> Unreadable:
        return Unreadable(f"didn't arrive within {self.seconds:g} seconds; the server is slow or doesn't answer.")

    def _follow(self, url: str, deadline: float) -> Fetched:
        for _ in range(_HOPS + 1):
            answer = self._hop(url, deadline)
            if isinstance(answer, Fetched):
                return answer
            url = answer
        raise Unreadable(f"sends us on more than {_HOPS} times.")

    def _hop(self, url: str, deadline: float) -> Fetched | str:
        """What one address gives: the document, or the address that it sends us on to."""
        target, headers, extensions = self._pinned(url)
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._too_slow()
        try:
            with (
                httpx.Client(follow_redirects=False, trust_env=False, timeout=min(left, 15.0)) as client,
                client.stream("GET", target, headers=headers, extensions=extensions) as response,
            ):
                if response.has_redirect_location:
                    return str(httpx.URL(url).join(response.headers["location"]))
                if response.status_code != httpx.codes.OK:
                    words = _STATUS.get(response.status_code, f"answers with an error ({response.status_code})")
                    raise Unreadable(f"can't be fetched: the server {words}.")
                return self._body(url, response, deadline)
        except httpx.TimeoutException as error:
            raise self._too_slow() from error
        except httpx.InvalidURL as error:
            raise Unreadable("is no address that can be fetched.") from error
        except httpx.HTTPError as error:
            secure = "certificate" in str(error).lower() or "ssl" in str(error).lower()
            why = "its secure connection can't be trusted" if secure else "no connection, or it broke off"
            raise Unreadable(f"can't be fetched: {why}.") from error

    def _body(self, url: str, response: httpx.Response, deadline: float) -> Fetched:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith(_REFUSED_TYPES):
            raise Unreadable(f"is no document but {kind}.")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > self.max_bytes:
            raise Unreadable(f"is larger than {self.max_bytes // _MB} MB.")
        body = bytearray()
        for chunk in self._unpacked(response):
            body += chunk
            if len(body) > self.max_bytes:
                raise Unreadable(f"is larger than {self.max_bytes // _MB} MB.")
            if time.monotonic() > deadline:
                raise self._too_slow()
        return Fetched(url, bytes(body), kind)

    def _unpacked(self, response: httpx.Response) -> Iterator[bytes]:
        """The body, piece by piece; unpacked by ourselves, so that a small one can't swell without bound."""
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        if packing not in {"identity", "", "gzip", "x-gzip", "deflate"}:
            raise Unreadable("comes packed in a way that we didn't ask for.")
        if packing in {"identity", ""}:
            yield from response.iter_raw(_CHUNK)
            return
        unpacker = zlib.decompressobj(wbits=47)
        try:
            for chunk in response.iter_raw(_CHUNK):
                yield unpacker.decompress(chunk, self.max_bytes + 1)
        except zlib.error as error:
            raise Unreadable("arrives damaged.") from error

    def _pinned(self, url: str) -> tuple[httpx.URL, dict[str, str], dict[str, str]]:
        """The address with its host replaced by a checked IP address, and what keeps its name in the request."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise Unreadable("is no address that can be fetched.") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreadable("leads to an address that is not http or https.")
        if parts.username or parts.password:
            raise Unreadable("holds a sign-in within its address; take it out.")
        address = self._resolve(parts.hostname, port)
        host = f"[{address}]" if isinstance(address, ipaddress.IPv6Address) else str(address)
        named = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        headers = {
            "Host": named if parts.port is None else f"{named}:{port}",
            "User-Agent": "isp-coach (document ingest)",
            "Accept": "text/html, text/plain, text/markdown, application/pdf, */*;q=0.5",
            "Accept-Encoding": "identity",
        }
        try:
            return httpx.URL(url).copy_with(host=host), headers, {"sni_hostname": parts.hostname}
        except httpx.InvalidURL as error:
            raise Unreadable("is no address that can be fetched.") from error

    def _resolve(self, host: str, port: int) -> Address:
        """A public address of a host. Raises Unreadable where it has none, or any that is private."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreadable(f"can't be fetched: {host} can't be found.") from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not addresses:
            raise Unreadable(f"can't be fetched: {host} can't be found.")
        if f"{host}:{port}" not in self.allowed and not all(is_public(address) for address in addresses):
            raise Unreadable(
                f"is refused: {host} is an address within a private network, and the coach fetches only from the "
                "public internet. Save the document and ingest the file."
            )
        return addresses[0]


def is_public(address: Address) -> bool:
    """True for an address of the public internet, also where an IPv6 address carries an IPv4 one within."""
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(carried)
    return address.is_global and not address.is_multicast and not address.is_reserved
