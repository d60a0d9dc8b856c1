"""The addresses that the page talks to: the page's files, its JSON API, its event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.sandbox.bus import Subscription
from bot.sandbox.records import Json
from bot.sandbox.ui_api import UiError, clock_card, parse_instant, text_field

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

HEARTBEAT = 15.0  # seconds between comment lines on a quiet event stream
MISSING_PAGE = "<!doctype html><title>Sandbox</title><p>The sandbox is running, but its page is not installed here.</p>"
Deed = Callable[[Json], Awaitable[Json]]


class PageSide:
    """What the page talks to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.people = sandbox.people

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        deeds: dict[str, Deed] = {
            "message": self._message,
            "command": self._command,
            "read": self._read,
            "edit": self._edit,
            "delete": self._delete,
            "action": self._action,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "home": self._home,
            "dm": self._dm,
            "stop": self._stop,
            "clock": self._clock,
            "faults": self._faults,
        }
        routes: list[BaseRoute] = [
            Route(f"/ui/{name}", self._endpoint(deed), methods=["POST"]) for name, deed in deeds.items()
        ]
        routes += [
            Route("/", self._index),
            Route("/ui/state", self._state),
            Route("/ui/events", self._events),
            Route("/ui/log", self._log),
            Route("/ui/next_nudge", self._next_nudge),
        ]
        if self.sandbox.page_dir.is_dir():
            routes.append(Mount("/static", StaticFiles(directory=self.sandbox.page_dir)))
        return routes

    def _endpoint(self, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                body = await request.json()
            except ValueError:
                return _refusal(UiError("invalid_json", "The request is not JSON."))
            if not isinstance(body, dict):
                return _refusal(UiError("invalid_json", "The request is not a JSON object."))
            try:
                return JSONResponse({"ok": True, **await deed(body)})
            except UiError as error:
                return _refusal(error)

        return endpoint

    # --- reading ---

    async def _index(self, _request: Request) -> Response:
        index = self.sandbox.page_dir / "index.html"
        return FileResponse(index) if index.is_file() else HTMLResponse(MISSING_PAGE)

    async def _state(self, request: Request) -> Response:
        try:
            snapshot = self.people.snapshot(request.query_params.get("user", ""))
        except UiError as error:
            return _refusal(error)
        status, detail = self.sandbox.bot_status
        faults = self.sandbox.faults.wire()
        return JSONResponse({"ok": True, **snapshot, "bot": {"status": status, "detail": detail}, "faults": faults})

    async def _events(self, request: Request) -> Response:
        try:
            user = self.people.user(request.query_params.get("user", ""))
        except UiError as error:
            return _refusal(error)
        page = self.sandbox.bus.subscribe(user.id)
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(self._stream(page), media_type="text/event-stream", headers=headers)

    async def _stream(self, page: Subscription) -> AsyncIterator[str]:
        try:
            yield _sse({"type": "hello"})
            while True:
                try:
                    event = await page.get(HEARTBEAT)
                except TimeoutError:
                    yield ": quiet\n\n"
                    continue
                if event is None:
                    return
                yield _sse(event)
        finally:
            self.sandbox.bus.unsubscribe(page)

    async def _log(self, request: Request) -> Response:
        last = request.query_params.get("last", "")
        calls = (
            self.sandbox.recorder.wire(int(last)) if last.isdecimal() and int(last) else self.sandbox.recorder.wire()
        )
        return JSONResponse({"ok": True, "calls": calls})

    async def _next_nudge(self, _request: Request) -> Response:
        # The callable reads the bot's database: not on the event loop.
        at = await asyncio.to_thread(self.sandbox.next_nudge) if self.sandbox.next_nudge else None
        return JSONResponse({"ok": True, "at": at.isoformat() if at else None})

    # --- doing ---

    async def _message(self, body: Json) -> Json:
        thread = body.get("thread_ts")
        message = self.people.say(
            text_field(body, "user"),
            text_field(body, "channel"),
            str(body.get("text") or ""),
            str(thread) if thread else None,
        )
        return {"ts": message.ts}

    async def _command(self, body: Json) -> Json:
        await self.people.command(
            text_field(body, "user"),
            text_field(body, "channel"),
            text_field(body, "command"),
            str(body.get("text") or ""),
        )
        return {}

    async def _read(self, body: Json) -> Json:
        self.people.read(text_field(body, "user"), text_field(body, "channel"))
        return {}

    async def _edit(self, body: Json) -> Json:
        user, channel, ts = (text_field(body, name) for name in ("user", "channel", "ts"))
        self.people.edit(user, channel, ts, text_field(body, "text"))
        return {}

    async def _delete(self, body: Json) -> Json:
        user, channel, ts = (text_field(body, name) for name in ("user", "channel", "ts"))
        self.people.delete(user, channel, ts)
        return {}

    async def _action(self, body: Json) -> Json:
        user, block_id, action_id = (text_field(body, name) for name in ("user", "block_id", "action_id"))
        await self.people.act(user, _container(body), block_id, action_id, value=body.get("value"), state=_values(body))
        return {}

    async def _suggest(self, body: Json) -> Json:
        query = {name: text_field(body, name) for name in ("block_id", "action_id")} | {
            "value": str(body.get("value") or "")
        }
        return await self.people.suggest(text_field(body, "user"), _container(body), query)

    async def _submit(self, body: Json) -> Json:
        errors = await self.people.submit(text_field(body, "user"), text_field(body, "view_id"), _values(body))
        return {"ok": False, "errors": errors} if errors else {}

    async def _close(self, body: Json) -> Json:
        await self.people.close(text_field(body, "user"), text_field(body, "view_id"), clear=bool(body.get("clear")))
        return {}

    async def _shortcut(self, body: Json) -> Json:
        user, callback_id = text_field(body, "user"), text_field(body, "callback_id")
        await self.people.shortcut(user, callback_id, body.get("channel"), body.get("ts"))
        return {}

    async def _home(self, body: Json) -> Json:
        self.people.open_home(text_field(body, "user"))
        return {}

    async def _dm(self, body: Json) -> Json:
        self.people.open_dm(text_field(body, "user"))
        return {}

    async def _stop(self, body: Json) -> Json:
        self.people.stop_stream(*(text_field(body, name) for name in ("user", "channel", "ts")))
        return {}

    async def _clock(self, body: Json) -> Json:
        clock = self.sandbox.clock
        # Listeners may do slow work (the bot looks for due nudges): not on the event loop.
        if body.get("reset"):
            await asyncio.to_thread(clock.reset)
        elif body.get("to"):
            await asyncio.to_thread(clock.move_to, parse_instant(str(body["to"])))
        else:
            await asyncio.to_thread(clock.advance, _number(body, "advance_seconds"))
        return {"clock": clock_card(self.sandbox.state)}

    async def _faults(self, body: Json) -> Json:
        """Order a fault, one kind a request; the fields are those of faults.Faults.

        {method, kind, times?, retry_after?, seconds?, skip?, rate?, channel?}: calls of the Web API.
        {socket, times?}: faults.SOCKET_KINDS. {events, times?, seconds?}: faults.EVENT_KINDS.
        {channel_rate}: messages a second in one channel, 0 for no limit. {clear: true}: back to normal.
        """
        faults = self.sandbox.faults
        try:
            times = int(body.get("times", 1))
            if body.get("clear"):
                faults.clear()
            elif body.get("socket"):
                await self.sandbox.hub.disturb(str(body["socket"]), times)
            elif "channel_rate" in body:
                faults.channel_rate = float(body["channel_rate"]) if body["channel_rate"] else None
            elif body.get("events"):
                faults.add_event(str(body["events"]), times=times, seconds=float(body.get("seconds") or 1))
            else:
                more = {k: v for k, v in body.items() if k not in {"method", "kind", "times", "user"}}
                faults.add(text_field(body, "method"), text_field(body, "kind"), times=times, **more)
        except (ValueError, TypeError) as error:  # FaultError is a ValueError
            raise UiError("unknown_fault", str(error)) from error
        return {"faults": faults.wire()}


def _refusal(error: UiError) -> Response:
    return JSONResponse({"ok": False, "error": error.code, "message": error.message}, status_code=400)


def _container(body: Json) -> Json:
    container = body.get("container")
    if not isinstance(container, dict):
        raise UiError("missing_field", "The field container is missing.")
    return container


def _values(body: Json) -> Any:
    """state.values, whether the page sent {values: …} or the values themselves."""
    state = body.get("state")
    return state.get("values", state) if isinstance(state, dict) else None


def _sse(event: Json) -> str:
    return f"data: {json.dumps(event)}\n\n"


def _number(body: Json, name: str) -> float:
    value: Any = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UiError("missing_field", f"The field {name} is missing or not a number.")
    return float(value)
