"""A local server with OpenAI's protocol: what it answers is scripted by the name of the model that is asked for.

It streams as the real one does (server-sent events, usage in the last piece) and can misbehave in every way that
model mode has to live with.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

Draft = Callable[["Asked"], str]


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    model: str
    system: str
    user: str

    @property
    def claims(self) -> int:
        """How many sentences it is asked to compare with their passages; 0 where it is asked for something else."""
        return len(re.findall(r'<claim n="\d+">', self.user))

    @property
    def passages(self) -> list[tuple[str, str]]:
        """(id, text) of the passages that the prompt holds."""
        return re.findall(r'<passage id="([^"]+)"[^>]*>(.*?)</passage>', self.user, re.DOTALL)


def line(**value: Any) -> str:
    """One line of a draft."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def verdicts(asked: Asked, said: str = "yes") -> str:
    """The same verdict on every claim."""
    return json.dumps({str(n): said for n in range(1, asked.claims + 1)})


def good(asked: Asked) -> str:
    """An honest model: says what the first passages say, and asks."""
    if asked.claims:
        return verdicts(asked)
    if "<message>" in asked.user:
        return json.dumps({"competency": "C4", "second": "C5", "sure": True, "why": []})
    lines = [line(say=text.split(". ")[0].rstrip(".") + ".", **{"from": [pid]}) for pid, text in asked.passages[:4]]
    return "".join(lines) + line(end="answered", ask="Who have you not heard from yet?")


@dataclass
class Behaviour:
    """How one model name behaves."""

    draft: Draft = good
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    first: float = 0.0  # seconds before the first token
    pause: float = 0.0  # seconds between pieces
    piece: int = 24  # characters of a piece
    drop_after: int | None = None  # pieces after which the connection breaks
    hang_after: int | None = None  # pieces after which nothing more comes
    raw: bytes | None = None  # a body that is no stream at all
    times: int | None = None  # how often it misbehaves before it behaves


@dataclass
class ModelServer:
    """A running server."""

    url: str
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)  # line of a draft -> when its last character went out
    calls: dict[str, int] = field(default_factory=dict)
    came: float = 0.0  # when the latest request came in

    def behave(self, model: str, **how: Any) -> str:
        """Script a model; the name to configure."""
        self.behaviours[model] = Behaviour(**how)
        return f"openai:{model}"


def _chunk(model: str, **delta: Any) -> bytes:
    body = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    return f"data: {json.dumps(body)}\n\n".encode()


def _usage(model: str, asked: Asked, text: str) -> bytes:
    tokens_in, tokens_out = (len(asked.system) + len(asked.user)) // 4, len(text) // 4
    usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [], "usage": usage}
    return f"data: {json.dumps(body)}\n\ndata: [DONE]\n\n".encode()


async def _stream(server: ModelServer, how: Behaviour, asked: Asked) -> AsyncIterator[bytes]:
    text = how.draft(asked)
    await asyncio.sleep(how.first)
    yield _chunk(asked.model, role="assistant", content="")
    done = ""
    for n, start in enumerate(range(0, len(text), how.piece)):
        if how.drop_after is not None and n >= how.drop_after:
            raise ConnectionResetError
        if how.hang_after is not None and n >= how.hang_after:
            await asyncio.sleep(60)
        if how.pause:
            await asyncio.sleep(how.pause)
        piece = text[start : start + how.piece]
        done += piece
        while "\n" in done:
            whole, _, done = done.partition("\n")
            server.sent.setdefault(whole, time.monotonic())
        yield _chunk(asked.model, content=piece)
    yield _usage(asked.model, asked, text)


def _app(server: ModelServer) -> Starlette:
    async def complete(request: Request) -> Response:
        server.came = time.monotonic()
        body = await request.json()
        texts = {m["role"]: m["content"] for m in body["messages"]}
        asked = Asked(body["model"], texts.get("system", texts.get("developer", "")), texts["user"])
        server.asked.append(asked)
        calls = server.calls[asked.model] = server.calls.get(asked.model, 0) + 1
        how = server.behaviours.get(asked.model, Behaviour())
        if how.times is not None and calls > how.times:
            how = Behaviour()
        if how.status != 200:
            await asyncio.sleep(how.first)
            error = {"error": {"message": "a secret of the provider", "type": "x", "code": "x"}}
            return JSONResponse(error, status_code=how.status, headers=how.headers)
        if how.raw is not None:
            return PlainTextResponse(how.raw, media_type="text/event-stream")
        return StreamingResponse(_stream(server, how, asked), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A server on a free port, stopped at the end."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = ModelServer(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    config = uvicorn.Config(_app(server), log_level="critical", timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()
