"""The bot as a process of its own, to be killed: real Bolt, real Socket Mode, real SQLite, a coach that takes its time.

python -m tests.faults.crashing_bot API_URL BOT_TOKEN APP_TOKEN DATA_DIR
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.content import load_knowledge, load_wording
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.answer import Answer, Question
from bot.settings import Settings
from bot.slack.bolt import build_slack
from tests.slack.scripted import ScriptedCoach, answer

ROOT = Path(__file__).parents[2]


class EchoingCoach(ScriptedCoach):
    """Says which question it answers, after up to a tenth of a second."""

    def ask(self, question: Question) -> Answer:
        time.sleep(random.random() * 0.1)
        return answer(question.text, self.knowledge, text=f"Answer to ({question.text}) [1]", citations=1)


def main(api_url: str, bot_token: str, app_token: str, data_dir: str) -> None:
    settings = Settings(
        _env_file=None,
        SLACK_BOT_TOKEN=bot_token,
        SLACK_APP_TOKEN=app_token,
        slack_api_url=api_url,
        data_dir=Path(data_dir),
    )
    clock = SystemClock()
    app = build_slack(
        settings,
        coach=EchoingCoach(load_knowledge(ROOT)),
        repositories=SqlRepositories.open(settings, clock=clock),
        clock=clock,
        wording=load_wording(ROOT),
    )
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    app.start()
    stopped.wait()
    app.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
