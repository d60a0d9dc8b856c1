"""Where log lines go: to standard error, so that results stay alone on standard output."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

from bot.cli.faults import is_verbose, places

# These log what people wrote, or chatter: Bolt a whole request whose signature is bad, Chroma every client.
_TALKATIVE = ("slack_bolt", "slack_sdk", "chromadb", "httpx", "httpcore", "uvicorn", "websockets", "alembic")


def to_standard_error(level: str | None = None, *, as_json: bool = False) -> None:
    """Write log lines of `level` and above; None: only what `--verbose` asks for, as one-shot commands do."""
    import structlog

    one_shot = logging.INFO if is_verbose() else logging.CRITICAL
    threshold = one_shot if level is None else logging.getLevelNamesMapping()[level]
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_as_places,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    _libraries(max(threshold, logging.WARNING), as_json=as_json)


def _exception_as_places(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say where an error arose and of which type it is; its message may hold what a person wrote."""
    exc_info = event.pop("exc_info", None)
    if exc_info:
        error = exc_info if isinstance(exc_info, BaseException) else sys.exc_info()[1]
        if error is not None:
            event["exception"] = "\n".join(places(error))
    return event


class _Places(logging.Formatter):
    """Log lines of libraries in the form of ours, their errors by type and place only."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")
        self._as_json = as_json

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return "\n".join(places(ei[1])) if ei[1] is not None else ""

    def format(self, record: logging.LogRecord) -> str:
        if not self._as_json:
            return super().format(record)
        line = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _libraries(threshold: int, *, as_json: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Places(as_json=as_json))
    handler.setLevel(threshold)  # some libraries set their own loggers to DEBUG
    logging.basicConfig(level=threshold, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
