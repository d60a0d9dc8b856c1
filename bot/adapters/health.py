"""Health for whoever watches: /healthz (the process answers), /readyz (it can do its work), /metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

_PATIENCE = 3.0  # seconds that a check may take
_REMEMBERED = 1.0  # seconds for which a report holds, so that many watchers cost no more than one
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class State:
    """One thing that was looked at. `vital`: without it the bot can't do its work."""

    ok: bool
    detail: str
    vital: bool = True


Check = Callable[[], State]


class Health:
    """Looks at everything, side by side, each for a few seconds at most."""

    def __init__(self, checks: Mapping[str, Check], *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._checks, self._seconds = dict(checks), seconds
        self._pool = ThreadPoolExecutor(max(1, len(self._checks)), thread_name_prefix="health")
        self._lock = threading.Lock()
        self._last: tuple[float, dict[str, State]] | None = None

    def report(self) -> dict[str, State]:
        """What each check says; one that raises or takes too long is not ok."""
        with self._lock:
            if self._last is None or self._seconds() - self._last[0] > _REMEMBERED:
                self._last = (self._seconds(), self._look())
            return self._last[1]

    def close(self) -> None:
        """End the threads; a check that hangs is left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> dict[str, State]:
        running = {name: self._pool.submit(check) for name, check in self._checks.items()}
        wait(running.values(), timeout=_PATIENCE)
        found = {}
        for name, future in running.items():
            if not future.done():
                found[name] = State(ok=False, detail="no answer in time")
            elif error := future.exception():
                found[name] = State(ok=False, detail=type(error).__name__)
            else:
                found[name] = future.result()
        return found


def health_app(health: Health, exposition: Callable[[], tuple[bytes, str]]) -> Starlette:
    """The application for a port that only the operator's own machines reach."""

    def alive(_: Request) -> Response:
        return PlainTextResponse("ok")

    def ready(_: Request) -> Response:
        report = health.report()
        fit = all(state.ok for state in report.values() if state.vital)
        checks = {name: {"ok": state.ok, "detail": state.detail} for name, state in report.items()}
        return JSONResponse({"ready": fit, "checks": checks}, 200 if fit else _UNAVAILABLE)

    def metrics(_: Request) -> Response:
        body, kind = exposition()
        return Response(body, headers={"content-type": kind})

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)])
