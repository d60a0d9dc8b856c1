"""Row S6: the bot is killed (SIGKILL) between acknowledging and answering; every sender gets one answer or one apology."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.server import Sandbox
from bot.settings import Settings
from bot.slack.manifest import manifest

ROOT = Path(__file__).parents[2]
PEOPLE = {"U0ANA": "D0ANA", "U0BEN": "D0BEN", "U0CHI": "D0CHI"}
_ANSWER = re.compile(r"Answer to \(([a-z]+-\d+)\)")
APOLOGY = "can't tell whether my answer arrived"
SORRY = "Something went wrong"
WITHIN = 60.0  # seconds after the last restart


@dataclass(frozen=True)
class Figures:
    """What the recorder counted."""

    messages: int
    kills: int
    answers: Counter[str]  # by message
    apologies: int
    slowest: float  # seconds from the last restart until everybody had something

    @property
    def lost(self) -> int:
        """Messages without an answer, less the apologies."""
        return max(0, self.messages - len(self.answers) - self.apologies)

    @property
    def twice(self) -> int:
        """Messages answered more than once."""
        return sum(n > 1 for n in self.answers.values())

    def words(self, where: str) -> str:
        """All of it in a line."""
        return (
            f"{self.messages} messages {where}, {self.kills} kills: {len(self.answers)} answered, {self.apologies} "
            f"apologies, {self.lost} lost, {self.twice} twice, all within {self.slowest:.1f} s of the last restart"
        )


class Bot:
    """The process, started again after each kill."""

    def __init__(self, sandbox: Sandbox, folder: str) -> None:
        self._sandbox = sandbox
        self._arguments = [sandbox.api_url, sandbox.bot_token, sandbox.app_token, folder]
        self._log = Path(folder) / "bot.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is connected."""
        command = [sys.executable, "-m", "tests.faults.crashing_bot", *self._arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._sandbox.wait_connected(timeout=60)

    def kill(self) -> None:
        """SIGKILL, by its own id."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        self._sandbox.wait_for(lambda: not self._sandbox.hub.connections, what="the dead socket noticed")

    def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


def run(*, messages: int, kills: int, mentions: bool = False, seed: int = 1) -> Figures:
    """Send messages one after the other, kill the bot now and then, and count what each sender got."""
    chance = random.Random(seed)
    moments = set(chance.sample(range(3, messages), kills))
    with tempfile.TemporaryDirectory() as folder, Sandbox(retry_scale=0.02) as sandbox:
        sandbox.install(manifest(Settings(_env_file=None)))
        bot = Bot(sandbox, folder)
        bot.start()
        try:
            for number in range(messages):
                _send(sandbox, number, chance, mentions=mentions)
                if number in moments:
                    time.sleep(chance.random() * 0.15)  # anywhere between the acknowledgement and the answer
                    bot.kill()
                    bot.start()
            begun = time.monotonic()
            sandbox.wait_for(lambda: _count(sandbox, messages, kills, 0.0).lost == 0, WITHIN, "an answer to everybody")
            took = time.monotonic() - begun
            sandbox.wait_idle(30, quiet=3.0)
            return _count(sandbox, messages, kills, took)
        finally:
            bot.stop()


def _send(sandbox: Sandbox, number: int, chance: random.Random, *, mentions: bool) -> None:
    user = chance.choice(sorted(PEOPLE))
    if mentions:
        sandbox.mention(user, "C0ROLLOUT", f"m-{number}")
    else:
        sandbox.say(user, PEOPLE[user], f"m-{number}")
    time.sleep(0.04)  # about 25 a second: a pace, not a synchronisation


def _count(sandbox: Sandbox, messages: int, kills: int, took: float) -> Figures:
    said = [m["text"] for c in [*PEOPLE.values(), "C0ROLLOUT"] for m in sandbox.messages(c) if m["user"] == "U0COACH"]
    answers = Counter(found[1] for text in said if (found := _ANSWER.search(text)))
    apologies = sum(APOLOGY in text or SORRY in text for text in said)
    return Figures(messages, kills, answers, apologies, took)
