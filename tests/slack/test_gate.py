"""A send under a condition: asked once everything but the last byte is out, and nothing is taken where it fails."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.core.records import Member
from bot.slack import gate
from bot.slack.gate import GatedClient, Withheld, only_if
from bot.slack.messenger import SlackMessenger, client_for
from bot.slack.mrkdwn import Links
from tests.faults.recorder import POST, Fault, recording

ANA = Member("T1", "UANA")
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{"ok":true,"ts":"1.0"}'


class Listener:
    """Takes connections and keeps what came over each; answers once a request is whole."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard: list[bytes] = []
        self.silent = False
        self.grown = threading.Condition()
        self.ended = threading.Event()  # the peer closed the latest connection
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                raw, _ = self._socket.accept()
            except OSError:
                return
            with self._context.wrap_socket(raw, server_side=True) if self._context else raw as connection:
                self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        with self.grown:
            self.heard.append(b"")
        while data := connection.recv(65536):
            with self.grown:
                self.heard[-1] += data
                self.grown.notify_all()
            if self.whole() and not self.silent:
                connection.sendall(ANSWER)
        self.ended.set()

    def missing(self) -> int | None:
        """Bytes of the latest request's body that are not here; None before its head is."""
        head, separator, body = self.heard[-1].partition(b"\r\n\r\n") if self.heard else (b"", b"", b"")
        if not separator:
            return None
        length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-le"))
        return length - len(body)

    def whole(self) -> bool:
        return self.missing() == 0

    def wait(self, true: Callable[[], bool]) -> bool:
        with self.grown:
            return self.grown.wait_for(true, 10)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine's loopback address, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "here.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def talking(certificate: Path | None) -> Iterator[tuple[Listener, GatedClient]]:
    server = trust = None
    if certificate:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate)
        trust = ssl.create_default_context(cafile=str(certificate))
    listener = Listener(server)
    scheme = "https" if certificate else "http"
    url = f"{scheme}://127.0.0.1:{listener.port}/api/"
    try:
        yield listener, GatedClient(token="xoxb-1", base_url=url, timeout=10, retry_handlers=[], ssl=trust)
    finally:
        listener.close()


@pytest.fixture(params=["http", "https"])
def line(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[Listener, GatedClient]]:
    with talking(certificate if request.param == "https" else None) as pair:
        yield pair


def test_the_condition_is_asked_when_all_but_the_last_byte_is_there(
    line: tuple[Listener, GatedClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_FRESH", 30.0)  # the listener may take its time; asked once
    listener, client = line
    missing: list[int | None] = []

    def condition() -> bool:
        listener.wait(lambda: listener.missing() == 1)
        missing.append(listener.missing())
        return True

    with only_if(condition):
        answer = client.chat_postMessage(channel="D1", text="words " * 5000)
    assert answer["ts"] == "1.0"
    assert missing == [1]
    assert len(listener.heard) == 1


def test_where_it_fails_the_request_is_never_whole(line: tuple[Listener, GatedClient]) -> None:
    listener, client = line
    with pytest.raises(Withheld), only_if(lambda: False):
        client.chat_postMessage(channel="D1", text="words")
    assert listener.ended.wait(10)
    assert listener.missing() == 1


def test_an_answer_that_is_old_at_the_write_is_asked_for_anew(line: tuple[Listener, GatedClient]) -> None:
    listener, client = line
    answers = []

    def condition() -> bool:
        """Frozen right after the lease was looked at and found good; lost by then."""
        answers.append(not answers)
        if len(answers) == 1:
            time.sleep(0.3)
        return answers[-1]

    with pytest.raises(Withheld), only_if(condition):
        client.chat_postMessage(channel="D1", text="words")
    assert listener.ended.wait(10)
    assert answers == [True, False]
    assert listener.missing() == 1


def test_a_late_answer_that_still_holds_sends_once(line: tuple[Listener, GatedClient]) -> None:
    listener, client = line
    pauses = [0.3, 0.0]
    with only_if(lambda: time.sleep(pauses.pop(0)) is None):
        assert client.chat_postMessage(channel="D1", text="words")["ok"]
    assert pauses == []
    assert listener.missing() == 0


def test_an_answer_that_never_comes_ends_at_the_time_out(certificate: Path) -> None:
    with talking(certificate) as (listener, client):
        listener.silent = True
        client.timeout = 1
        with pytest.raises(TimeoutError), only_if(lambda: True):
            client.chat_postMessage(channel="D1", text="words")


def test_a_call_outside_the_block_has_no_condition(line: tuple[Listener, GatedClient]) -> None:
    listener, client = line
    with pytest.raises(Withheld), only_if(lambda: False):
        client.chat_postMessage(channel="D1", text="words")
    assert client.chat_postMessage(channel="D1", text="words")["ok"]
    assert listener.whole()


def test_another_threads_condition_is_its_own(line: tuple[Listener, GatedClient]) -> None:
    _, client = line
    answers: list[bool] = []
    with only_if(lambda: False):
        thread = threading.Thread(target=lambda: answers.append(bool(client.auth_test(channel="D1")["ok"])))
        thread.start()
        thread.join(10)
    assert answers == [True]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, "sent"),
        (Fault("429", retry_after=7), "retry"),
        (Fault("500"), "uncertain"),
        (Fault("html", status=200), "uncertain"),
        (Fault("reset"), "uncertain"),
        (Fault("cut", taken=True), "uncertain"),
        (Fault("is_archived"), "failed"),
        (Fault("token_revoked"), "revoked"),
    ],
    ids=str,
)
def test_answers_mean_the_same_with_a_condition_as_without(fault: Fault | None, outcome: str) -> None:
    with recording(decide=lambda _call: fault) as slack:
        clients = (client_for("xoxb-1", slack.url), client_for("xoxb-1", slack.url, reading=True))
        messenger = SlackMessenger(lambda _team: clients, Links.of([]))
        plain = messenger.post(ANA, "D1", text="words", key="k1")
        gated = messenger.post(ANA, "D1", text="words", key="k2", still=lambda: True)
        assert (plain.outcome, plain.error, plain.retry_after) == (gated.outcome, gated.error, gated.retry_after)
        assert gated.outcome == outcome
        assert len(slack.of(POST)) == 2


def test_a_send_whose_condition_failed_says_so_and_reaches_nobody() -> None:
    with recording() as slack:
        clients = (client_for("xoxb-1", slack.url), client_for("xoxb-1", slack.url, reading=True))
        messenger = SlackMessenger(lambda _team: clients, Links.of([]))
        assert messenger.post(ANA, "D1", text="words", key="k", still=lambda: False).outcome == "withheld"
        assert messenger.post(ANA, "D1", text="words", key="k", still=lambda: True).outcome == "sent"
        assert slack.keys() == {"k": 1}
        assert len(slack.of(POST)) == 1


def test_a_proxy_is_gone_through_with_a_condition_too() -> None:
    """The proxy here is the listener: it is asked for the whole address, and gets the last byte last."""
    listener = Listener(None)
    proxy = f"http://127.0.0.1:{listener.port}"
    client = GatedClient(token="x", base_url="http://slack.invalid/api/", retry_handlers=[], proxy=proxy, timeout=10)
    try:
        with only_if(lambda: listener.wait(lambda: listener.missing() == 1)):
            assert client.chat_postMessage(channel="D1", text="words")["ok"]
    finally:
        listener.close()
    assert listener.heard[0].startswith(b"POST http://slack.invalid/api/chat.postMessage")


def test_certificates_are_read_once_and_not_for_every_call() -> None:
    one, two = client_for("xoxb-1", "https://slack.com/api/"), client_for("xoxb-2", "https://slack.com/api/")
    assert one.ssl is not None
    assert one.ssl is two.ssl
    assert one.ssl.verify_mode == ssl.CERT_REQUIRED
    assert one.ssl.check_hostname
    assert client_for("xoxb-1", "http://127.0.0.1:1/api/").ssl is None
