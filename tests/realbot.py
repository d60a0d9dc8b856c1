"""The bot as `make run` starts it: the composition root, the shipped content, a real index, SQLite, a sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import Bot, connect_to
from bot.sandbox import Sandbox
from bot.settings import Settings

# Named by its fingerprint, so that workers and runs share one and a changed content builds another.
INDEX = Path(tempfile.gettempdir()) / "isp-coach-test-index"


@dataclass
class Running:
    """A sandbox with the bot connected and its coach loaded."""

    sandbox: Sandbox
    bot: Bot
    data: Path
    settings: Settings

    def stop(self) -> None:
        """End the bot; the sandbox and the data stay."""
        self.bot.stop()
        self.sandbox.wait_for(lambda: not self.sandbox.hub.connections, what="hanging up")

    def start(self) -> None:
        """A new bot on the same data."""
        self.bot = connect_to(self.sandbox, self.settings)
        self.bot.start()
        self.bot.coach.load()
        self.sandbox.wait_connected()

    def newcomer(self, zone: str = "America/Toronto") -> str:
        """Somebody new, so that one story finds nothing of another."""
        return self.sandbox.add_person("Dana Weber", zone)

    def close_call(self) -> str:
        """A situation that lies between two competencies, as the classifier stands today."""
        return next(text for text in BETWEEN if self.bot.coach.triage(text).outcome == "close_call")


BETWEEN = (
    "We have no idea which of three programs fits our patients",
    "The nurses nod in the training and then nothing changes",
    "The plan is written, the numbers are poor, and half the team has stopped coming",
    "It worked in the pilot; now four sites want it and each wants to change something",
    "Nobody knows what the real problem is, and the steering group can't agree who decides",
    "They changed the form to suit the night shift, and nobody looks at whether it still works",
    "Is it the training or the people that fails?",
    "We asked them what is in the way and they gave us solutions",
    "Do we fix the program for them or fix what keeps them from using it?",
    "It fades, so we change it, and then it fades again",
    "Who tells the new sites how to do it?",
    "Choose, adapt, or start with what people need?",
    "They like it in one ward, the other says it is not for them, and I count and count",
    "People leave, plans change, and the next county is already asking",
)


@contextmanager
def running_bot(data: Path, **settings_of_its_own: Any) -> Iterator[Running]:
    """The bot on a data folder; everything is ended at the end."""
    INDEX.mkdir(exist_ok=True)
    if not (data / "index").exists():
        (data / "index").symlink_to(INDEX, target_is_directory=True)
    settings = Settings(
        _env_file=None,
        data_dir=data,
        embeddings="builtin",
        minilm_dir=data / "no-model",
        support_line="Call Sam, 555-0100.",
        **settings_of_its_own,
    )
    with Sandbox(retry_scale=0.01) as sandbox:
        running = Running(sandbox, connect_to(sandbox, settings), data, settings)
        try:
            running.bot.start()
            running.bot.coach.load()
            sandbox.wait_connected()
            sandbox.set_bot_status("ready")
            yield running
        finally:
            running.bot.stop()
