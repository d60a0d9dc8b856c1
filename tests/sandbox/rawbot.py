"""A bot of one WebSocket, opened by hand, that answers envelopes as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bot.sandbox import Sandbox

SILENCE = object()  # what `answer` gives where the bot does not acknowledge


class RawBot:
    """One WebSocket, opened by hand. Acknowledges each envelope with what `answer(envelope)` gives."""

    def __init__(self, sandbox: Sandbox, answer: Callable[[dict[str, Any]], Any] | None = None) -> None:
        opened = WebClient(token=sandbox.bot_token, base_url=sandbox.api_url).apps_connections_open(
            app_token=sandbox.app_token
        )
        self.socket = connect(opened["url"], proxy=None)
        self.frames: list[dict[str, Any]] = [json.loads(self.socket.recv(timeout=5))]
        self.answer = answer or (lambda _envelope: None)
        self.sandbox = sandbox
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            for text in self.socket:
                frame = json.loads(text)
                self._note(frame)
                if "envelope_id" in frame:
                    given = self.answer(frame)
                    if given is not SILENCE:
                        ack = {"envelope_id": frame["envelope_id"]}
                        self.socket.send(json.dumps(ack if given is None else {**ack, "payload": given}))
        except ConnectionClosed:
            return

    def _note(self, frame: dict[str, Any]) -> None:
        with self.sandbox.state.change():
            self.frames.append(frame)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        inner = [frame["payload"]["event"] for frame in self.frames if frame["type"] == "events_api"]
        return [event for event in inner if kind in {"", event["type"], event.get("subtype")}]

    def envelopes(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def wait(self, count: int, kind: str, timeout: float = 8) -> list[dict[str, Any]]:
        self.sandbox.wait_for(lambda: len(self.envelopes(kind)) >= count, timeout, f"{count} envelopes {kind}")
        return self.envelopes(kind)

    def close(self) -> None:
        self.socket.close()
        self.thread.join(5)
