"""The whole bot as a process, as `isp-coach run` starts it over HTTP, save that a script answers in the index's place.

python -m tests.scale.scripted_replica. Everything else is real: guard, Bolt, inbox, database, nudges, health.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time

from bot.app import Bot
from bot.cli.logs import to_standard_error
from bot.core.answer import Answer, Question
from bot.core.errors import CoachError
from bot.settings import Settings
from tests.slack.scripted import ScriptedCoach


class Unhurried(ScriptedCoach):
    """Takes as long as a real answer does, so that kills find work under way."""

    complete = True

    def ask(self, question: Question) -> Answer:
        time.sleep(random.random() * 0.2)
        return super().ask(question)


def main() -> None:
    settings = Settings(_env_file=None)
    to_standard_error(settings.log_level, as_json=settings.log_json)
    bot = Bot(settings)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    bot.coach._coach = Unhurried(bot.content.knowledge)
    bot.start()
    stop.wait()
    bot.stop()


if __name__ == "__main__":
    try:
        main()
    except CoachError as trouble:
        sys.exit(str(trouble))
