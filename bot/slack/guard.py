"""What stands in front of Bolt: a request from outside is Slack's, recent, small and readable, or it is refused.

Pure functions, tried on bad input by a test each. A refusal is a number from 400 to 499 and a word; no part of the
request is in it, and none is logged.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qsl

MAX_BYTES = 2_000_000  # the largest view with its state, form-encoded, has room in it
MAX_DEPTH = 60  # of braces and brackets; Block Kit's deepest is under twenty
MAX_SECONDS = 300  # between Slack's clock and ours, as Slack says
_MAX_FIELDS = 200

_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_LENGTH = re.compile(rb"[0-9]{1,18}")
# What changes the depth, strings taken whole: a bracket inside a string is a letter like others.
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)

Headers = Sequence[tuple[bytes, bytes]]


class Refusal(Exception):
    """Why a request is not taken: the status to answer with and a word for it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def declared_length(headers: Headers) -> int:
    """The length that a request says it has, 0 where it says none. Raises Refusal."""
    value = _only(headers, b"content-length", refuse=400)
    if value is None:
        return 0
    if not _LENGTH.fullmatch(value):
        raise Refusal(400, "content-length")
    length = int(value)
    if length > MAX_BYTES:
        raise Refusal(413, "too large")
    return length


def check_signature(headers: Headers, body: bytes, *, secret: str, now: float) -> None:
    """Raise Refusal unless Slack signed this body, lately."""
    stamp = _only(headers, b"x-slack-request-timestamp", refuse=401)
    signature = _only(headers, b"x-slack-signature", refuse=401)
    if stamp is None or signature is None:
        raise Refusal(401, "not signed")
    if not _TIMESTAMP.fullmatch(stamp) or abs(now - int(stamp)) > MAX_SECONDS:
        raise Refusal(401, "timestamp")
    if not _SIGNATURE.fullmatch(signature):
        raise Refusal(401, "signature")
    expected = hmac.new(secret.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(b"v0=" + expected.encode(), signature):
        raise Refusal(401, "signature")


def read_payload(headers: Headers, body: bytes) -> dict[str, Any]:
    """The payload of a body, of JSON or of a form (with its field `payload` where it has one). Raises Refusal."""
    kind = (_only(headers, b"content-type", refuse=400) or b"").partition(b";")[0].strip().lower()
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(400, "not UTF-8") from None
    if kind == b"application/json":
        return _object(text)
    if kind != b"application/x-www-form-urlencoded":
        raise Refusal(415, "content-type")
    try:
        fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise Refusal(400, "not a form") from None
    return _object(fields["payload"]) if "payload" in fields else dict(fields)


def _object(text: str) -> dict[str, Any]:
    if too_deep(text):
        raise Refusal(400, "nested too deeply")
    try:
        payload = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "not JSON") from None
    if not isinstance(payload, dict):
        raise Refusal(400, "not an object")
    return payload


def _no_constant(_word: str) -> NoReturn:
    raise ValueError("JSON has no NaN and no Infinity")


def too_deep(text: str) -> bool:
    """True where braces and brackets are nested deeper than any payload of Slack's; strings are left out."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    depth = 0
    for mark in _MARKS.finditer(text):
        letter = mark[0]
        if letter in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif letter in "]}":
            depth -= 1
    return False


def _only(headers: Headers, name: bytes, *, refuse: int) -> bytes | None:
    """A header's value, None where it isn't there; twice is refused, since two readers may take different ones."""
    found = [value for key, value in headers if key.lower() == name]
    if len(found) > 1:
        raise Refusal(refuse, "header twice")
    return found[0].strip() if found else None


def challenge(payload: Mapping[str, Any]) -> str | None:
    """Slack's question whether this address is ours, to be answered with the same word; None for all else."""
    word = payload.get("challenge")
    return word if payload.get("type") == "url_verification" and isinstance(word, str) else None
