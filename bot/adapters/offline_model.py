"""A model that is elsewhere: requests are written to files, responses are read from files (contracts.md).

A request is `<hash>.json`; its response, in the folder of responses, has the same name and holds {"text": "…"}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bot.core.drafts import ModelRequest, Usage
from bot.core.errors import ModelFailed, ModelPending, SettingsError
from bot.ports import Stop


class OfflineModel:
    """`bot.ports.Model` over two folders; nothing is sent anywhere."""

    def __init__(self, name: str, *, requests: Path | None, responses: Path | None) -> None:
        """`requests`: where to write each request; `responses`: where to look for its response."""
        self.name = name
        self._requests, self._responses = requests, responses
        self.missing: set[str] = set()  # hashes of requests without a response
        if responses is not None and not responses.is_dir():
            raise SettingsError(f"There is no folder {responses}.")
        if requests is not None:
            requests.mkdir(parents=True, exist_ok=True)

    def reply(
        self,
        request: ModelRequest,
        *,
        stop: Stop,  # noqa: ARG002 - the port's form
        within: float | None = None,  # noqa: ARG002 - as above
    ) -> OfflineReply:
        """The response, where it is there."""
        if self._requests is not None:
            self._write(request)
        text = self._response(request.hash)
        if text is None:
            self.missing.add(request.hash)
        return OfflineReply(request, text)

    def _write(self, request: ModelRequest) -> None:
        assert self._requests is not None
        path = self._requests / f"{request.hash}.json"
        if not path.exists():
            path.write_text(request.as_text(), encoding="utf-8")

    def _response(self, name: str) -> str | None:
        if self._responses is None:
            return None
        try:
            value = json.loads((self._responses / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError):
            return ""  # a broken response is a model's broken answer
        text = value.get("text") if isinstance(value, dict) else value
        return text if isinstance(text, str) else ""


class OfflineReply:
    """A response that is there whole, or not at all."""

    def __init__(self, request: ModelRequest, text: str | None) -> None:
        self._request, self._text = request, text

    @property
    def usage(self) -> Usage:
        """Nothing was spent here."""
        return Usage()

    def close(self) -> None:
        """Nothing to let go of."""

    def __iter__(self) -> Iterator[str]:
        """The response in one piece. Raises ModelPending where it isn't there."""
        if self._text is None:
            raise ModelPending(self._request.hash)
        if not self._text.strip():
            raise ModelFailed("empty")
        yield self._text
