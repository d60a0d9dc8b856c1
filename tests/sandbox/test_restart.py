from __future__ import annotations

from bot.sandbox import Sandbox
from tests.sandbox.rawbot import RawBot


def _ids_of_one_run() -> set[str]:
    with Sandbox() as sandbox:
        bot = RawBot(sandbox)
        try:
            sandbox.say("U0ANA", "D0ANA", "Hello")
            sandbox.command("U0ANA", "D0ANA", "/coach", "help")
            event = bot.wait(1, "events_api")[0]["payload"]["event_id"]
            command = bot.wait(1, "slash_commands")[0]["payload"]
        finally:
            bot.close()
    return {event, command["trigger_id"], command["response_url"].rpartition("/")[2]}


def test_a_new_run_hands_out_no_id_of_an_earlier_one_so_the_bot_takes_nothing_for_a_repeat() -> None:
    first, second = _ids_of_one_run(), _ids_of_one_run()
    assert len(first) == len(second) == 3
    assert first.isdisjoint(second)
