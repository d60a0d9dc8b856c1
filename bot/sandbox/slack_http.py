"""The addresses that the bot talks to: Web API with its faults, Socket Mode, response URLs, files."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.sandbox.faults import ApiFault
from bot.sandbox.records import Json
from bot.sandbox.web_api import SlackError, parse_arguments

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

TOO_MANY_REQUESTS = 429
BODY_LIMIT = 5_000_000  # bytes of a Web API call
ERROR_PAGE = "<!DOCTYPE html><html><head><title>Slack</title></head><body><h1>Server Error</h1></body></html>"


class BrokenResponse(Response):
    """An answer that never arrives whole: the connection is reset, at once or after a part of the body."""

    def __init__(self, body: bytes, *, sent: int) -> None:
        super().__init__(body, media_type="application/json")
        self.sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send what is to be sent, then cut the line."""
        if self.sent:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": bytes(self.body)[: self.sent], "more_body": True})
            await asyncio.sleep(0.05)  # let the part go out before the reset overtakes it
        reset_connection(scope["sandbox.protocol"].transport, hard=not self.sent)


def reset_connection(transport: Any, *, hard: bool) -> None:
    """Break a connection: hard with RST (the peer sees "connection reset"), else as if it had ended early."""
    raw = transport.get_extra_info("socket")
    if hard and raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class SlackSide:
    """What the bot talks to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route("/api/{method}", self.api, methods=["GET", "POST"]),
            WebSocketRoute("/link", self.link),
            Route("/respond/{id}", self.respond, methods=["POST"]),
            Route("/upload/{id}", self.upload, methods=["POST"]),
            Route("/files/{id}", self.file, methods=["GET"]),
        ]

    async def link(self, connection: WebSocket) -> None:
        """Socket Mode."""
        await self.sandbox.hub.serve(connection, connection.scope["sandbox.protocol"])

    async def api(self, request: Request) -> Response:
        """A Web API call."""
        self.sandbox.recorder.begin()
        try:
            return await self._api(request)
        finally:
            self.sandbox.recorder.done()

    async def _api(self, request: Request) -> Response:
        arrived, method = time.monotonic(), request.path_params["method"]
        try:
            args = await self._arguments(request)
        except SlackError as error:
            self.sandbox.recorder.add(method, {}, error.wire(), arrived=arrived)
            return JSONResponse(error.wire())
        channel = str(args.get("channel") or "")
        fault = self.sandbox.faults.take_api(method, channel) or self.sandbox.faults.too_fast(method, channel)
        response: Json | None = None
        if fault is None or fault.taken:
            response = self.sandbox.api.answer(method, args, _token(request, args))
        elif fault.base.startswith("error:"):
            response = {"ok": False, "error": fault.base.removeprefix("error:")}
        answer = self._plain(response or {}) if fault is None else self._spoiled(fault, response or {})
        name = fault.kind if fault else None
        self.sandbox.recorder.add(method, args, response, arrived=arrived, status=answer.status_code, fault=name)
        if fault is not None and fault.base in {"timeout", "slow"}:
            await asyncio.sleep(fault.seconds)
        return answer

    async def _arguments(self, request: Request) -> Json:
        body = await request.body()
        if len(body) > BODY_LIMIT:
            raise SlackError("request_too_large")
        return parse_arguments(request.headers.get("content-type", ""), body, request.url.query)

    def _plain(self, response: Json) -> Response:
        scopes = ",".join(sorted(self.sandbox.state.manifest.scopes))
        return JSONResponse(response, headers={"x-oauth-scopes": scopes, "x-slack-req-id": "sandbox"})

    def _spoiled(self, fault: ApiFault, response: Json) -> Response:
        kind = fault.base
        if kind.isdigit():
            return _http_error(int(kind), fault.retry_after)
        if kind.startswith("error:"):
            return self._plain({"ok": False, "error": kind.removeprefix("error:")})
        if kind == "html":
            return Response(ERROR_PAGE, media_type="text/html")
        if kind == "slow":
            return self._plain(response)
        body = json.dumps(response or {"ok": True}).encode()
        return BrokenResponse(body, sent=len(body) // 2 if kind == "cut" else 0)  # a time-out: silence, then the end

    async def respond(self, request: Request) -> Response:
        """A response_url."""
        self.sandbox.recorder.begin()
        try:
            return await self._respond(request)
        finally:
            self.sandbox.recorder.done()

    async def _respond(self, request: Request) -> Response:
        try:
            payload = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("invalid_payload", status_code=400)
        if not isinstance(payload, dict):
            return PlainTextResponse("invalid_payload", status_code=400)
        arrived, name = time.monotonic(), "response_url"
        answer = self.sandbox.responses.answer(request.path_params["id"], payload)
        status = 200 if answer.get("ok") else 404 if answer.get("error") in {"used_url", "expired_url"} else 400
        self.sandbox.recorder.add(name, payload, answer, arrived=arrived, status=status)
        return JSONResponse(answer, status_code=status) if status != 200 else PlainTextResponse("ok")  # noqa: PLR2004 - HTTP success

    async def upload(self, request: Request) -> Response:
        """The bytes of a file."""
        body = await request.body()
        with self.sandbox.state.change():
            file = self.sandbox.state.files.get(request.path_params["id"])
            if file is None or file.completed or file.content is not None:
                return PlainTextResponse("unknown upload", status_code=404)
            if len(body) != file.length:
                return PlainTextResponse(f"expected {file.length} bytes, got {len(body)}", status_code=400)
            file.content = body
        return PlainTextResponse(f"OK - {len(body)}")

    async def file(self, request: Request) -> Response:
        """A shared file, for the page."""
        with self.sandbox.state.lock:
            file = self.sandbox.state.files.get(request.path_params["id"])
        if file is None or file.content is None or not file.completed:
            return PlainTextResponse("no such file", status_code=404)
        shown = file.mimetype if file.mimetype.startswith("image/") and "svg" not in file.mimetype else None
        headers = {"x-content-type-options": "nosniff"}
        if shown is None:
            headers["content-disposition"] = f'attachment; filename="{file.id}"'
        return Response(file.content, media_type=shown or "application/octet-stream", headers=headers)


def _http_error(status: int, retry_after: int) -> Response:
    if status == TOO_MANY_REQUESTS:
        body = {"ok": False, "error": "ratelimited"}
        return JSONResponse(body, status_code=status, headers={"retry-after": str(retry_after)})
    return PlainTextResponse("Internal Server Error", status_code=status)


def _token(request: Request, args: Json) -> str | None:
    header = request.headers.get("authorization", "")
    if header.lower().startswith("bearer "):
        return header[7:].strip()
    return str(args["token"]) if args.get("token") else None
