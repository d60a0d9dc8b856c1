"""Socket Mode: the WebSockets to the bot, envelopes and their acknowledgements, retries of events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.events import event_callback
from bot.sandbox.faults import SOCKET_KINDS, EventFault, FaultError, Faults
from bot.sandbox.records import APP, Json
from bot.sandbox.state import State

MAX_CONNECTIONS = 10
CONNECTION_LIFE = 18060  # seconds; what Slack says in hello
RETRY_DELAYS = (0.0, 60.0, 300.0)  # seconds before each retry of an event
TICKET_LIFE = 30.0
CLOSE_AFTER = {"warning": 10.0, "refresh_requested": 2.0, "link_disabled": 0.5, "too_many_websockets": 0.5}


class NotDeliveredError(Exception):
    """An interaction got no answer: `code` is what Slack would show."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(eq=False)
class Connection:
    """One WebSocket of the bot."""

    socket: WebSocket
    protocol: Any  # the asyncio protocol under it, for faults
    silent: bool = False
    retiring: bool = False  # got a disconnect frame: no new envelopes
    waiting: set[str] = field(default_factory=set)  # envelope ids sent here and not acknowledged

    async def send(self, frame: Json) -> bool:
        """Send a frame; False where the connection is gone."""
        if self.silent:
            return True
        try:
            await self.socket.send_text(json.dumps(frame))
        except (WebSocketDisconnect, RuntimeError, OSError):
            return False
        return True


class Hub:
    """All connections of the bot. Its coroutines run on the server's event loop; `deliver` may come from any thread."""

    def __init__(self, state: State, faults: Faults, *, ack_timeout: float = 3.0, retry_scale: float = 1.0) -> None:
        self.state = state
        self.faults = faults
        self.ack_timeout = ack_timeout
        self.retry_scale = retry_scale
        self.connections: list[Connection] = []
        self.undelivered = 0  # events under way: not acknowledged, not given up
        self.given_up: list[Json] = []  # events that no retry brought home
        self.sent = 0  # envelopes sent, ever
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Condition()
        self._acks: dict[str, asyncio.Future[Json | None]] = {}
        self._tickets: dict[str, float] = {}
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say on which loop the server runs."""
        self._loop = loop

    def waiting(self) -> int:
        """Envelopes sent and not acknowledged yet."""
        return len(self._acks)

    # --- connections ---

    def new_ticket(self) -> str:
        """A ticket for one connection, good for half a minute."""
        ticket = secrets.token_urlsafe(18)
        self._tickets[ticket] = time.monotonic() + TICKET_LIFE
        return ticket

    async def serve(self, socket: WebSocket, protocol: Any) -> None:
        """One WebSocket, from handshake to end."""
        expires = self._tickets.pop(socket.query_params.get("ticket", ""), 0.0)
        if expires < time.monotonic() or self.faults.take_refusal():
            await socket.close(code=1008)
            return
        await socket.accept()
        connection = Connection(socket, protocol)
        if len(self.connections) >= MAX_CONNECTIONS:
            await connection.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _host()})
            await socket.close()
            return
        self.connections.append(connection)
        try:
            await self._hello(connection)
            await self._read(connection)
        finally:
            self._forget(connection)

    async def _hello(self, connection: Connection) -> None:
        debug = {**_host(), "build_number": 1, "approximate_connection_time": CONNECTION_LIFE}
        await connection.send(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "debug_info": debug,
                "connection_info": {"app_id": APP},
            }
        )
        async with self._arrived:
            self._arrived.notify_all()

    async def _read(self, connection: Connection) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                text = await connection.socket.receive_text()
                if not connection.silent:
                    self._acknowledged(text)

    def _acknowledged(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            return
        if not isinstance(frame, dict):
            return
        future = self._acks.get(str(frame.get("envelope_id")))
        if future is not None and not future.done():
            payload = frame.get("payload")
            future.set_result(payload if isinstance(payload, dict) else None)

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        for envelope_id in connection.waiting:
            future = self._acks.get(envelope_id)
            if future is not None and not future.done():
                future.set_exception(NotDeliveredError("connection_failed"))

    def _next_connection(self) -> Connection | None:
        ready = [connection for connection in self.connections if not connection.retiring]
        if not ready:
            return None
        self._turn += 1
        return ready[self._turn % len(ready)]

    # --- faults of sockets ---

    async def disturb(self, kind: str, times: int = 1) -> None:
        """Bring about a socket fault of faults.SOCKET_KINDS on every open connection; refuse works on the next ones."""
        if kind not in SOCKET_KINDS:
            raise FaultError(f"no socket fault {kind!r}; there are {', '.join(SOCKET_KINDS)}")
        if kind == "refuse":
            self.faults.refuse_sockets(times)
            return
        for connection in list(self.connections):
            if kind == "drop":
                connection.protocol.transport.abort()
            elif kind == "silent":
                self._silence(connection)
            else:
                await self._retire(connection, "refresh_requested" if kind == "disconnect" else kind)

    def _silence(self, connection: Connection) -> None:
        connection.silent = True
        connection.protocol.data_received = _ignore  # not even pings are answered any more
        connection.protocol.stop_keepalive()

    async def _retire(self, connection: Connection, reason: str) -> None:
        await connection.send({"type": "disconnect", "reason": reason, "debug_info": _host()})
        connection.retiring = reason != "warning"
        self._spawn(self._close_later(connection, CLOSE_AFTER[reason]))

    async def _close_later(self, connection: Connection, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with contextlib.suppress(RuntimeError, OSError):
            await connection.socket.close()

    async def close(self) -> None:
        """End every connection and every delivery."""
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self.connections):
            if connection.silent:
                connection.protocol.transport.abort()
            else:
                with contextlib.suppress(RuntimeError, OSError):
                    await connection.socket.close(code=1001)

    # --- interactions and commands: one try, the person sees the failure ---

    async def ask(self, kind: str, payload: Json) -> Json | None:
        """Send a command or interaction; the payload of its acknowledgement. Raises NotDeliveredError."""
        connection = self._next_connection()
        if connection is None:
            raise NotDeliveredError("dispatch_failed")
        try:
            return await self._send(connection, kind, payload, accepts=True)
        except NotDeliveredError as error:
            raise NotDeliveredError("operation_timeout") from error

    async def _send(
        self, connection: Connection, kind: str, payload: Json, *, accepts: bool = False, extra: Json | None = None
    ) -> Json | None:
        envelope_id = secrets.token_hex(16)
        future: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._acks[envelope_id] = future
        connection.waiting.add(envelope_id)
        self.sent += 1
        frame = {"envelope_id": envelope_id, "type": kind, "payload": payload, "accepts_response_payload": accepts}
        try:
            if not await connection.send({**frame, **(extra or {})}):
                raise NotDeliveredError("connection_failed")
            async with asyncio.timeout(self.ack_timeout):
                return await future
        except TimeoutError as error:
            raise NotDeliveredError("timeout") from error
        finally:
            self._acks.pop(envelope_id, None)
            connection.waiting.discard(envelope_id)
            self._wake()

    # --- events: held while nobody is connected, retried when not acknowledged ---

    def deliver(self, name: str, event: Json) -> None:
        """Deliver an event that the manifest subscribes to. From any thread; returns at once."""
        loop = self._loop
        if loop is None or loop.is_closed() or name not in self.state.manifest.events:
            return
        payload = event_callback(event, self.state.new_id("Ev"))
        with self.state.lock:
            self.undelivered += 1
        loop.call_soon_threadsafe(self._start_delivery, payload)

    def redeliver(self, payload: Json) -> None:
        """Deliver an outer event once more as it is, with the same event_id."""
        if self._loop is not None:
            with self.state.lock:
                self.undelivered += 1
            self._loop.call_soon_threadsafe(self._start_delivery, payload)

    def _start_delivery(self, payload: Json) -> None:
        self._spawn(self._deliver(payload, self.faults.take_event()))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, payload: Json, fault: EventFault | None) -> None:
        try:
            if fault is not None and fault.kind == "late":
                await asyncio.sleep(fault.seconds)
            home = await self._try(payload, withhold=fault is not None and fault.kind == "withhold")
            if fault is not None and fault.kind == "duplicate":
                home = await self._try(payload)
            if not home:
                self.given_up.append(payload)
        finally:
            with self.state.lock:
                self.undelivered -= 1
            self._wake()

    async def _try(self, payload: Json, *, withhold: bool = False) -> bool:
        """First delivery and retries; True once it is acknowledged."""
        attempt, reason = 0, ""
        while attempt <= len(RETRY_DELAYS):
            connection = await self._connected()
            try:
                if withhold and attempt == 0:
                    raise NotDeliveredError("timeout")  # noqa: TRY301 - the same path as a delivery that got lost
                extra = {"retry_attempt": attempt, "retry_reason": reason}
                await self._send(connection, "events_api", payload, extra=extra)
            except NotDeliveredError as error:
                reason = error.code
            else:
                return True
            if reason == "timeout" and attempt < len(RETRY_DELAYS):
                await asyncio.sleep(RETRY_DELAYS[attempt] * self.retry_scale)
            attempt += 1
        return False

    async def _connected(self) -> Connection:
        async with self._arrived:
            while (connection := self._next_connection()) is None:
                await self._arrived.wait()
            return connection

    def _wake(self) -> None:
        with self.state.change():
            pass


def _host() -> Json:
    return {"host": "sandbox"}


def _ignore(_data: bytes) -> None:
    """What a silent socket does with what it gets."""
