"""The real Slack libraries, unchanged, against the sandbox: nothing but the base address differs from Slack."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from bot.sandbox.server import SandboxStartError
from tests.sandbox.payloads import button, modal, plain, text_input


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox and one Bolt app for the whole module: closing a handler takes two seconds."""
    with Sandbox(retry_scale=0.001) as running:
        handler = SocketModeHandler(bolt_app(running), running.app_token, ping_interval=0.5)
        handler.connect()
        running.wait_connected()
        yield running
        handler.close()


def bolt_app(sandbox: Sandbox) -> App:
    app = App(client=WebClient(token=sandbox.bot_token, base_url=sandbox.api_url))

    @app.event("message")
    def answer(event: dict[str, Any], say: Any) -> None:
        if event.get("subtype") is None:
            row = {"type": "actions", "elements": [button("more", event["ts"])]}
            say(text=f"You said: {event['text']}", blocks=[{"type": "section", "text": plain(event["text"])}, row])

    @app.event("app_mention")
    def mentioned(event: dict[str, Any], say: Any) -> None:
        say(text="In this thread", thread_ts=event.get("thread_ts") or event["ts"])

    @app.action("more")
    def more(ack: Any, respond: Any, body: dict[str, Any]) -> None:
        ack()
        respond(text="More of it", replace_original=False)

    @app.command("/coach")
    def command(ack: Any, body: dict[str, Any], client: WebClient) -> None:
        ack("Opening…")
        client.views_open(
            trigger_id=body["trigger_id"], view=modal(text_input("name"), submit=plain("Send"), callback_id="form")
        )

    @app.view("form")
    def submitted(ack: Any, view: dict[str, Any], client: WebClient, body: dict[str, Any]) -> None:
        name = view["state"]["values"]["name"]["typed"]["value"]
        if len(name) < 3:
            ack(response_action="errors", errors={"name": "Longer, please"})
            return
        ack()
        client.chat_postMessage(channel=body["user"]["id"], text=f"Hello {name}")

    @app.event("app_home_opened")
    def home(event: dict[str, Any], client: WebClient) -> None:
        client.views_publish(
            user_id=event["user"], view={"type": "home", "blocks": [{"type": "header", "text": plain("Home")}]}
        )

    return app


def test_a_conversation_from_typing_to_a_click(sandbox: Sandbox) -> None:
    ts = sandbox.say("U0ANA", "D0ANA", "good morning")
    answer = sandbox.wait_for_message("D0ANA", "good morning", after=ts)
    sandbox.click("U0ANA", answer["ts"], "more")
    assert sandbox.wait_for_message("D0ANA", "More of it", user="U0ANA")["ephemeral"]


def test_a_mention_is_answered_in_its_thread(sandbox: Sandbox) -> None:
    root = sandbox.mention("U0BEN", "C0ROLLOUT", "which one?")
    assert sandbox.wait_for_message("C0ROLLOUT", "In this thread", thread_ts=root)["thread_ts"] == root


def test_a_command_opens_a_modal_that_is_checked_and_taken(sandbox: Sandbox) -> None:
    sandbox.command("U0CHI", "D0CHI", "/coach", "hello")
    sandbox.wait_for_modal("U0CHI", "A form")
    assert sandbox.submit("U0CHI", {"typed": "Al"}) == {"name": "Longer, please"}
    assert sandbox.submit("U0CHI", {"typed": "Chi"}) == {}
    sandbox.wait_for_message("D0CHI", "Hello Chi")


def test_home_is_published_when_it_is_opened(sandbox: Sandbox) -> None:
    sandbox.open_home("U0BEN")
    assert sandbox.wait_for_home("U0BEN", "Home").content["type"] == "home"


@pytest.mark.parametrize("kind", ["disconnect", "drop", "silent"])
def test_the_client_comes_back_after_each_loss_and_misses_nothing(sandbox: Sandbox, kind: str) -> None:
    before = sandbox.recorder.of("apps.connections.open")
    sandbox.disturb_sockets(kind)
    ts = sandbox.say("U0ANA", "D0ANA", f"after {kind}")
    sandbox.wait_for_message("D0ANA", f"after {kind}", after=ts, timeout=20)
    assert len(sandbox.recorder.of("apps.connections.open")) > len(before)


def test_waiting_in_vain_tells_what_the_bot_did(sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutError, match=r"a message of the bot in D0BEN.*last calls"):
        sandbox.wait_for_message("D0BEN", "never said", timeout=0.1)


def test_it_starts_at_once_and_without_the_heavy_libraries() -> None:
    code = (
        "import sys, time; t = time.monotonic(); from bot.sandbox import Sandbox; s = Sandbox().start();"
        "heavy = {'slack_bolt', 'slack_sdk', 'chromadb', 'sklearn', 'langchain', 'sqlalchemy', 'pydantic'} & set(sys.modules);"
        "print(time.monotonic() - t, sorted(heavy)); s.stop()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    seconds, _, heavy = done.stdout.strip().partition(" ")
    assert heavy == "[]"
    assert float(seconds) < 3  # well under one second on a quiet machine


def test_a_taken_port_is_said_clearly() -> None:
    with Sandbox() as first, pytest.raises(SandboxStartError, match=f"port {first.port}.*ISP_COACH_SANDBOX_PORT"):
        Sandbox(port=first.port).start()


def test_stopping_is_quick_and_may_be_repeated() -> None:
    sandbox = Sandbox().start()
    began = time.monotonic()
    sandbox.stop()
    sandbox.stop()
    assert time.monotonic() - began < 5
