"""Requests as Slack sends them: signed payloads, and a client that keeps its line open."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
from typing import Any

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # of Slack's own documentation, belongs to nobody


def signature(body: bytes, stamp: str, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


def headers(body: bytes, *, kind: str = "application/json", age: float = 0.0, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(body, stamp, secret),
    }


def event(
    event_id: str, text: str = "How do I start?", *, team: str = "T0ONE", user: str = "U0ANA", **fields: Any
) -> dict[str, Any]:
    """A direct message to the bot."""
    said = {
        "type": "message",
        "channel": f"D{user.removeprefix('U')}",
        "channel_type": "im",
        "user": user,
        "text": text,
        "ts": f"{time.time():.6f}",
        **fields,
    }
    return {
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(time.time()),
        "team_id": team,
        "api_app_id": "A0COACH",
        "authorizations": [
            {
                "team_id": team,
                "user_id": "U0COACH",
                "is_bot": True,
                "enterprise_id": None,
                "is_enterprise_install": False,
            }
        ],
        "event": said,
    }


def lifecycle(event_id: str, name: str, *, team: str = "T0ONE") -> dict[str, Any]:
    """The app was uninstalled, or its token revoked."""
    body = event(event_id, team=team)
    tokens = {"tokens": {"bot": ["U0COACH"]}} if name == "tokens_revoked" else {}
    body["event"] = {"type": name, "event_ts": "1790000000.000001", **tokens}
    del body["authorizations"]
    return body


def command(text: str = "help", *, team: str = "T0ONE", user: str = "U0ANA", trigger: str = "t.1") -> bytes:
    """A slash command's form."""
    fields = {
        "command": "/coach",
        "text": text,
        "team_id": team,
        "user_id": user,
        "channel_id": "D0ANA",
        "trigger_id": trigger,
        "response_url": "",
        "api_app_id": "A0COACH",
    }
    return urllib.parse.urlencode(fields).encode()


class Client:
    """One line to the bot, opened again where it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: http.client.HTTPConnection | None = None

    def send(
        self, body: bytes, sent: dict[str, str], *, path: str = "/slack/events", method: str = "POST"
    ) -> tuple[int, str]:
        """Status and body. Raises OSError or HTTPException where there is no answer."""
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            self._line.request(method, path, body or None, sent)
            response = self._line.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def post(self, payload: dict[str, Any]) -> tuple[int, str]:
        """An event, signed."""
        body = json.dumps(payload).encode()
        return self.send(body, headers(body))

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
