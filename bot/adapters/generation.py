"""Language models of any provider, by LangChain's `init_chat_model`; nothing of it is imported without a model.

A reply is read on a thread of its own, so that time-outs, Stop and a server that says nothing can't hold the caller.
Only where nothing has come yet is a call tried again, after a Retry-After that fits into the time left.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog

from bot.core.drafts import ModelRequest, Usage
from bot.core.errors import ModelFailed, SettingsError
from bot.ports import Stop
from bot.settings import Settings

log = structlog.get_logger()

_LINE_WAIT = 0.05  # seconds between two looks at Stop while every line is taken
_CHARS_A_TOKEN = 4  # where a provider doesn't count
_TOO_MANY, _SERVER, _DENIED, _FORBIDDEN, _MISSING = 429, 500, 401, 403, 404
_LINES = 32  # calls under way at once; each holds a thread until the provider's own time-out
_RETRY_WAIT = 0.25


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a model may take, in seconds, and how often it is asked again."""

    whole: float = 20.0
    first: float = 8.0
    retries: int = 1


class ChatModel:
    """`bot.ports.Model` over a LangChain chat model."""

    def __init__(self, name: str, chat: Any, pace: Pace) -> None:
        """`chat`: a LangChain chat model whose own time-out is no longer than the pace's."""
        self._name, self._chat, self._pace = name, chat, pace
        self._lines = threading.BoundedSemaphore(_LINES)

    @property
    def name(self) -> str:
        """`provider:model`."""
        return self._name

    def reply(self, request: ModelRequest, *, stop: Stop, within: float | None = None) -> ChatReply:
        """See Model."""
        pace = self._pace
        if within is not None:
            pace = Pace(min(pace.whole, within), min(pace.first, within), retries=0)
        return ChatReply(self._chat, request, pace, self._lines, stop)


class ChatReply:
    """One reply: an iterator over its pieces."""

    def __init__(
        self,
        chat: Any,
        request: ModelRequest,
        pace: Pace,
        lines: threading.BoundedSemaphore,
        stop: Stop,
    ) -> None:
        self._chat, self._request, self._pace, self._lines, self._stop = chat, request, pace, lines, stop
        self._closed = threading.Event()
        self._arrived: queue.Queue[Any] = queue.Queue()
        self._woken = threading.Event()
        self._counted: Usage | None = None
        self._chars = 0

    @property
    def usage(self) -> Usage:
        """Tokens as the provider counted them; else estimated from the characters of both ways."""
        if self._counted is not None:
            return self._counted
        sent = len(self._request.system) + len(self._request.user)
        return Usage(sent // _CHARS_A_TOKEN, self._chars // _CHARS_A_TOKEN, estimated=True)

    def close(self) -> None:
        """Hear no more of it."""
        self._closed.set()

    def __iter__(self) -> Iterator[str]:
        """Pieces as they arrive. Raises ModelFailed."""
        began = time.monotonic()
        forget = self._stop.subscribe(self._wake)
        try:
            yield from self._tries(began)
        finally:
            forget()

    def _tries(self, began: float) -> Iterator[str]:
        for attempt in range(self._pace.retries + 1):
            try:
                yield from self._once(began)
            except _Again as again:
                left = self._pace.first - (time.monotonic() - began)
                if attempt == self._pace.retries or again.wait >= left:
                    raise ModelFailed(again.reason) from again.__cause__
                self._sleep(again.wait)
            else:
                return

    def _wake(self) -> None:
        """Stop was pressed: whatever this reply waits for, it waits no longer."""
        self._woken.set()
        self._arrived.put(None)

    def _sleep(self, seconds: float) -> None:
        if self._woken.wait(seconds):
            raise ModelFailed("stopped")

    def _once(self, began: float) -> Iterator[str]:
        self._take_line(began)
        arrived = self._arrived = queue.Queue()  # of this try alone: what an earlier one still says isn't heard
        gone = threading.Event()
        threading.Thread(target=self._read, args=(arrived, gone), name="model", daemon=True).start()
        heard = False
        try:
            while True:
                piece = self._next(arrived, began, heard)
                if piece is None:
                    return
                if isinstance(piece, Exception):
                    raise _failure(piece, heard) from piece
                heard = True
                yield piece
        finally:
            gone.set()

    def _take_line(self, began: float) -> None:
        """One of the calls that may be under way. Raises ModelFailed."""
        while not self._lines.acquire(timeout=_LINE_WAIT):
            if self._woken.is_set():
                raise ModelFailed("stopped")
            if time.monotonic() - began >= self._pace.first:
                raise ModelFailed("rate_limited")

    def _next(self, arrived: queue.Queue[Any], began: float, heard: bool) -> Any:
        """The next piece, None at the end, or the error that ended it. Raises ModelFailed."""
        until = began + (self._pace.whole if heard else min(self._pace.first, self._pace.whole))
        try:
            piece = None if self._woken.is_set() else arrived.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise ModelFailed("timeout") from None
        if self._woken.is_set():
            raise ModelFailed("stopped")
        if time.monotonic() >= until:
            raise ModelFailed("timeout")
        return piece

    def _read(self, arrived: queue.Queue[Any], gone: threading.Event) -> None:
        """Read the provider's stream into the queue until it ends or nobody listens."""
        messages = [("system", self._request.system), ("user", self._request.user)]
        try:
            for chunk in self._chat.stream(messages, max_tokens=self._request.max_tokens):
                if gone.is_set() or self._closed.is_set():
                    break
                self._note(chunk)
                if chunk.text:
                    self._chars += len(chunk.text)
                    arrived.put(str(chunk.text))
            arrived.put(None)
        except Exception as error:  # noqa: BLE001 - whatever a provider raises, the caller gets it as a reason
            arrived.put(error)
        finally:
            self._lines.release()

    def _note(self, chunk: Any) -> None:
        counted = getattr(chunk, "usage_metadata", None)
        if counted:
            before = self._counted or Usage()
            self._counted = Usage(
                before.tokens_in + int(counted.get("input_tokens") or 0),
                before.tokens_out + int(counted.get("output_tokens") or 0),
            )


class _Again(Exception):
    def __init__(self, reason: str, wait: float) -> None:
        super().__init__(reason)
        self.reason, self.wait = reason, wait


def _failure(error: Exception, heard: bool) -> Exception:
    """What a provider's error means: worth another try, or the end."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        status = getattr(getattr(error, "response", None), "status_code", None)
    log.warning("model.error", error=type(error).__name__, status=status)  # no text: it may hold what people wrote
    if heard:
        return ModelFailed("unavailable")
    if status == _TOO_MANY:
        return _Again("rate_limited", _retry_after(error))
    if status in {_DENIED, _FORBIDDEN, _MISSING} or (isinstance(status, int) and status < _SERVER):
        return ModelFailed("refused")
    if "Timeout" in type(error).__name__:
        return ModelFailed("timeout")
    return _Again("unavailable", _RETRY_WAIT)


def _retry_after(error: Exception) -> float:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(_RETRY_WAIT, float(headers.get("retry-after") or 1.0))
    except (TypeError, ValueError):
        return 1.0


def open_model(settings: Settings) -> ChatModel:
    """The model of the settings. Raises SettingsError where its package is missing or a value is refused."""
    from langchain.chat_models import init_chat_model  # noqa: PLC0415 - heavy, and only where a model is configured

    provider = settings.model.partition(":")[0]
    given: dict[str, Any] = {"timeout": settings.model_timeout, "max_retries": 0}
    if settings.model_api_key is not None:
        given["api_key"] = settings.model_api_key.get_secret_value()
    if settings.model_base_url:
        given["base_url"] = settings.model_base_url
        given.setdefault("api_key", "none")  # servers of one's own ask for none, and the client insists on one
    if provider in {"openai", "azure_openai"}:
        given["stream_usage"] = True
    try:
        chat = init_chat_model(settings.model, **given)
    except ImportError as error:
        name = settings.model
        raise SettingsError(
            f"ISP_COACH_MODEL is {name}, and the package for “{provider}” is not installed: "
            f"pip install 'isp-coach[{provider}]', or langchain-{provider.replace('_', '-')}."
        ) from error
    except Exception as error:  # what a provider raises may hold the key, so none of it is shown
        raise SettingsError(
            f"The language model {settings.model} can't be used as it is set: check its name, key and address."
        ) from error
    pace = Pace(settings.model_timeout, min(settings.model_first_token, settings.model_timeout), settings.model_retries)
    return ChatModel(settings.model, chat, pace)
