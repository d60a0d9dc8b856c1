"""Delivery of nudges as a process of its own, to be killed or frozen: the real worker, storage and messenger.

`python -m tests.faults.replica` loads everything once and then forks a replica for each line of JSON that it reads, so
that a round costs no start-up; it answers with the process id. `--once JSON` is a replica without a parent like that.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.content import load_knowledge, load_wording
from bot.adapters.prompt_files import load_reflections
from bot.adapters.storage.repositories import SqlRepositories
from bot.cli.logs import to_standard_error
from bot.services.delivery import Delivery, Pace
from bot.services.nudges import Nudges
from bot.slack.messenger import SlackMessenger, client_for
from bot.slack.mrkdwn import Links
from bot.slack.reflect import composer

try:
    from bot.services.nudge_worker import NudgeWorker
except ImportError:  # the version before this one, in a rolling deploy
    from bot.services.delivery import NudgeWorker  # type: ignore[attr-defined,no-redef]  # as above

ROOT = Path(__file__).parents[2]


class MovedClock:
    """The machine's time, moved by so many seconds: a round is always at the same hour of the same day."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


def messenger(api_url: str) -> SlackMessenger:
    """The real one; each workspace has a token of its own."""
    clients: dict[str, Any] = {}

    def of(team: str) -> Any:
        if team not in clients:
            token = f"xoxb-{team}"
            clients[team] = (client_for(token, api_url), client_for(token, api_url, reading=True))
        return clients[team]

    return SlackMessenger(of, Links.of([]))


def run(config: dict[str, Any], content: tuple[Any, Any, Any]) -> None:
    """Deliver until SIGTERM."""
    to_standard_error("WARNING")
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    knowledge, wording, prompts = content
    freezing = _freezing() if config.get("freeze") else None
    clock = MovedClock(config["ahead"])
    repositories = SqlRepositories(config["database"], clock=clock)
    nudges = Nudges(repositories=repositories, prompts=prompts, clock=clock, new_id=lambda: uuid.uuid4().hex)
    delivery = Delivery(
        nudges=nudges,
        repositories=repositories,
        messenger=messenger(config["api_url"]),
        compose=composer(knowledge, wording),
        clock=clock,
        owner=f"{config['name']}-{os.getpid()}",
        pace=Pace(per_second=config["per_second"], lease=timedelta(seconds=config["lease"])),
    )
    worker = NudgeWorker(
        delivery=delivery,
        nudges=nudges,
        repositories=repositories,
        clock=clock,
        threads=config.get("threads", 8),
        poll_seconds=config.get("poll", 0.2),
    )
    if freezing:
        freezing.freeze_at(*config["freeze"])
        if config.get("look_only_before"):
            freezing.look_only_before()
    worker.start()
    parent = os.getppid()
    while not stopped.wait(1.0) and os.getppid() == parent:  # nobody is left behind by a test that was killed
        pass
    worker.stop()
    repositories.close()


def _freezing() -> Any:
    """Loaded only where it is asked for: the version before this one, in a rolling deploy, has no such file."""
    freezing = importlib.import_module("tests.faults.freezing")
    freezing.let_go_soon()
    return freezing


def load() -> tuple[Any, Any, Any]:
    """What a replica reads at its start."""
    knowledge = load_knowledge(ROOT)
    return knowledge, load_wording(ROOT), load_reflections(ROOT, knowledge)


def nursery() -> None:
    """Fork a replica for each order."""
    content = load()
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for the dead
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for standard in (0, 1):
                os.dup2(os.open(os.devnull, os.O_RDWR), standard)
            status = 1
            try:
                run(json.loads(line), content)
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    if len(sys.argv) > 2:
        run(json.loads(sys.argv[2]), load())
    else:
        nursery()
