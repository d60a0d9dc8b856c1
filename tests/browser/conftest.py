"""A sandbox with a scripted bot, and its page in headless Chromium."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from slack_sdk import WebClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bot.sandbox import Sandbox

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

expect.set_options(timeout=10_000)


class ScriptedBot:
    """A bot of few words: each kind of envelope goes to the handler that the test gave, after or as its acknowledgement.

    `bot.on("slash_commands", handler)`: what the handler returns is the acknowledgement's payload. Events
    (`"events_api"`) are acknowledged first and handled then, as Bolt does.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.web = WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        self.handlers: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.failures: list[Exception] = []
        opened = self.web.apps_connections_open(app_token=sandbox.app_token)
        self.socket = connect(opened["url"], proxy=None)
        self.thread = threading.Thread(target=self._serve, name="scripted-bot", daemon=True)
        self.thread.start()

    def on(self, kind: str, handler: Callable[[dict[str, Any]], Any]) -> None:
        self.handlers[kind] = handler

    def say(self, channel: str, text: str = "", **more: Any) -> str:
        """Post as the bot; the message's ts."""
        return self.web.chat_postMessage(channel=channel, text=text, **more)["ts"]

    def _serve(self) -> None:
        try:
            for line in self.socket:
                frame = json.loads(line)
                if "envelope_id" in frame:
                    self._handle(frame)
        except ConnectionClosed:
            return

    def _handle(self, frame: dict[str, Any]) -> None:
        handler = self.handlers.get(frame["type"], lambda _payload: None)
        ack: dict[str, Any] = {"envelope_id": frame["envelope_id"]}
        if frame["type"] == "events_api":
            self.socket.send(json.dumps(ack))
        try:
            answer = handler(frame["payload"])
        except Exception as error:  # noqa: BLE001 - the test hears of it at its end
            self.failures.append(error)
            answer = None
        if frame["type"] != "events_api":
            self.socket.send(json.dumps({**ack, "payload": answer} if answer else ack))

    def stop(self) -> None:
        self.socket.close()
        self.thread.join(5)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.set_bot_status("ready")
        yield running


@pytest.fixture
def bot(sandbox: Sandbox) -> Iterator[ScriptedBot]:
    scripted = ScriptedBot(sandbox)
    yield scripted
    scripted.stop()
    assert not scripted.failures, f"the scripted bot stumbled: {scripted.failures}"


@pytest.fixture
def open_page(chromium: Browser, sandbox: Sandbox) -> Iterator[Callable[..., Page]]:
    """`open_page("C0GENERAL", user="U0BEN", viewport=…)`: the page there, loaded. Any error in its console fails the test."""
    contexts, troubles = [], []

    def open_at(place: str = "", *, user: str = "U0ANA", **options: Any) -> Page:
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if is_trouble(line) else None)
        page.goto(f"{sandbox.url}/?user={user}#{place}")
        expect(page.locator(".conversation-head")).to_be_visible()
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert not troubles, f"the page's console: {troubles}"


def is_trouble(line: Any) -> bool:
    """Refused requests are part of the tests; everything else on the error console is not."""
    return line.type == "error" and "Failed to load resource" not in line.text and "ERR_" not in line.text


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """Ana's page, in her DM with the coach."""
    return open_page()
