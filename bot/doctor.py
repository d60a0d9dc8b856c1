"""`isp-coach doctor`: each thing that the bot needs, looked at alone, with what to do where it isn't right."""

from __future__ import annotations

import difflib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.core.errors import CoachError, ModelFailed
from bot.settings import Settings

_FREE_BYTES = 500_000_000  # room for an index, its successor and the database
_PREFIX = "ISP_COACH_"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line of the doctor's report."""

    name: str
    ok: bool | None  # None: nothing wrong, but worth knowing
    detail: str
    remedy: str = ""  # what to do; empty where there is nothing to do

    def as_json(self) -> dict[str, Any]:
        """The line as plain JSON."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail, "remedy": self.remedy or None}


def checks(settings: Settings) -> Iterator[CheckLine]:
    """Look at everything, one thing after another; a check that fails unexpectedly is a line like the others."""
    for name, check in _CHECKS:
        try:
            yield from check(settings)
        except CoachError as error:
            yield CheckLine(name, ok=False, detail=str(error))
        except Exception as error:  # noqa: BLE001 - the other checks have to be made, whatever this one raised
            yield CheckLine(name, ok=False, detail=f"This check failed ({type(error).__name__}).")


def _settings(settings: Settings) -> Iterator[CheckLine]:
    env_file = Path(".env")
    written = _names_in(env_file) if env_file.is_file() else set()
    known = {f"{_PREFIX}{name}".upper() for name in Settings.model_fields}
    given = {name.upper() for name in (*os.environ, *written) if name.upper().startswith(_PREFIX)}
    for name in sorted(given - known):
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Take it out; .env.example lists all settings."
        yield CheckLine("settings", ok=False, detail=f"{name} is not a setting.", remedy=remedy)
    source = f"{env_file.absolute()} and the environment" if env_file.is_file() else "the environment; no .env here"
    if given <= known:
        yield CheckLine("settings", ok=True, detail=f"valid, from {source}")
    if settings.encryption_key is None:
        make = f'{sys.executable} -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
        remedy = f"To encrypt what people write: set {_PREFIX}ENCRYPTION_KEY to what this prints: {make}"
        yield CheckLine("encryption", ok=None, detail="no key is set; free text is stored as it is", remedy=remedy)
    else:
        from bot.adapters.crypto import TextCipher

        TextCipher.from_settings(settings)
        yield CheckLine("encryption", ok=True, detail="free text is encrypted at rest")
    if settings.support_line.strip():
        yield CheckLine("support line", ok=True, detail="set")
    else:
        remedy = f"Set {_PREFIX}SUPPORT_LINE to whom a person in distress can reach in your organization."
        yield CheckLine("support line", ok=None, detail="not set; a general text is shown", remedy=remedy)


def _names_in(env_file: Path) -> set[str]:
    lines = (line.strip().removeprefix("export ") for line in env_file.read_text(encoding="utf-8").splitlines())
    return {line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith("#")}


def _data_folder(settings: Settings) -> Iterator[CheckLine]:
    from bot.adapters.data_folder import DataFolder

    folder = DataFolder(settings.data_dir).path
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = f"Give this user the right to write there, or choose another folder with {_PREFIX}DATA_DIR."
        yield CheckLine("data folder", ok=False, detail=f"{folder} can't be written", remedy=remedy)
        return
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        detail = f"{folder}: only {free / 1e6:.0f} MB are free"
        yield CheckLine("data folder", ok=False, detail=detail, remedy="Make room on that disk: 500 MB will do.")
        return
    yield CheckLine("data folder", ok=True, detail=f"{folder}, {free / 1e9:.0f} GB free")


def _content(settings: Settings) -> Iterator[CheckLine]:
    from bot.adapters.content import content_root, load_exemplars, load_knowledge, load_wording

    root = content_root(settings)
    knowledge, exemplars = load_knowledge(root), load_exemplars(root)
    texts = len(load_wording(root).texts)
    detail = (
        f"{len(knowledge.units)} competencies and functions, {len(knowledge.parts)} parts of the paper, "
        f"{len(exemplars.messages)} messages, {len(exemplars.questions)} questions, {texts} texts, from {root}"
    )
    yield CheckLine("content", ok=True, detail=detail)


def _documents(settings: Settings) -> Iterator[CheckLine]:
    from bot.adapters.data_folder import DataFolder
    from bot.adapters.document_store import DocumentFolder

    folder = DocumentFolder(DataFolder(settings.data_dir).path / "documents")
    damaged, names = folder.damaged(), [f"{d.unit} ({d.tenant})" for d in folder.all()]
    if damaged:
        remedy = "Ingest them again, or remove the files."
        yield CheckLine("documents", ok=False, detail=f"can't be read: {', '.join(damaged)}", remedy=remedy)
        return
    yield CheckLine("documents", ok=True, detail=", ".join(names) or "none were added")


def _database(settings: Settings) -> Iterator[CheckLine]:
    from bot.adapters.data_folder import DataFolder
    from bot.adapters.storage.engine import make_engine, sqlite_url
    from bot.adapters.storage.migrating import current_revision
    from bot.adapters.storage.repositories import SqlRepositories

    path = DataFolder(settings.data_dir).database_path
    if settings.database_url is None and not path.exists():
        yield CheckLine("database", ok=None, detail=f"not there yet; the bot makes it at its first start, in {path}")
        return
    engine = make_engine(settings.database_url or sqlite_url(path))
    try:
        kind, revision = engine.dialect.name, current_revision(engine)
    finally:
        engine.dispose()
    if revision is None:
        yield CheckLine("database", ok=False, detail=f"{kind}, without tables", remedy="Run `isp-coach migrate`.")
        return
    repositories = SqlRepositories.open(settings)
    try:
        repositories.ping()
    finally:
        repositories.close()
    yield CheckLine("database", ok=True, detail=f"{kind}, revision {revision}, takes writes")


def _embeddings(settings: Settings) -> Iterator[CheckLine]:
    from bot.adapters.embeddings import chosen, has_minilm

    name = chosen(settings.embeddings, settings.minilm_dir)
    if name == "builtin" and settings.embeddings == "auto" and not has_minilm(settings.minilm_dir):
        detail = "the built-in ones; MiniLM, which finds a little more, is not on this machine"
        yield CheckLine("embeddings", ok=None, detail=detail, remedy="`isp-coach setup` fetches it (about 80 MB).")
        return
    yield CheckLine("embeddings", ok=True, detail=name)


def _index(settings: Settings) -> Iterator[CheckLine]:
    from bot.app import open_coach
    from bot.core.answer import Question

    coach = open_coach(settings)
    answer = coach.ask(Question(text=f"What is {coach.knowledge.title('C4')}?"))
    if answer.outcome != "answered" or not answer.citations:
        remedy = "Remove the folder “index” in the data folder; it is built anew."
        yield CheckLine("index", ok=False, detail="opens, but doesn't answer a plain question", remedy=remedy)
        return
    yield CheckLine("index", ok=True, detail=f"answers, a first question in {answer.latency_ms:.0f} ms")


def _model(settings: Settings) -> Iterator[CheckLine]:
    if not settings.model:
        detail = "none is set; answers come from the passages, and nothing leaves this machine"
        yield CheckLine("model", ok=None, detail=detail)
        return
    from bot.adapters.content import content_root
    from bot.adapters.generation import open_model
    from bot.adapters.model_prompts import load_prompts
    from bot.core.drafts import ModelRequest
    from bot.ports import NEVER_STOPPED

    prompts = ", ".join(sorted(p.label for p in load_prompts(content_root(settings)).values()))
    ping = ModelRequest("answer", "doctor", "Answer with one word.", "Say yes.", 50)
    try:
        words = "".join(open_model(settings).reply(ping, stop=NEVER_STOPPED))
    except ModelFailed as error:
        names = ", ".join(f"{_PREFIX}MODEL{part}" for part in ("", "_API_KEY", "_BASE_URL"))
        remedy = f"Check {names}; people get plain answers meanwhile."
        yield CheckLine("model", ok=False, detail=f"{settings.model} gives no answer ({error.reason})", remedy=remedy)
    else:
        detail = f"{settings.model} answers, {len(words)} characters; prompts {prompts}"
        yield CheckLine("model", ok=True, detail=detail)
    yield from _model_usage(settings)


def _model_usage(settings: Settings) -> Iterator[CheckLine]:
    from bot.adapters.data_folder import DataFolder
    from bot.adapters.storage.repositories import SqlRepositories

    if settings.database_url is None and not DataFolder(settings.data_dir).database_path.exists():
        return
    repositories = SqlRepositories.open(settings, upgrade=False)
    try:
        calls, usage = repositories.usage.totals(since=datetime.now(UTC).date() - timedelta(days=30))
    finally:
        repositories.close()
    cost = (usage.tokens_in * settings.model_price_in + usage.tokens_out * settings.model_price_out) / 1e6
    price = f", about {cost:.2f} in the currency of your prices" if cost else ""
    detail = f"{calls} calls in 30 days: {usage.tokens_in} tokens sent, {usage.tokens_out} received{price}"
    yield CheckLine("model usage", ok=True, detail=detail)


def _time_zones(_: Settings) -> Iterator[CheckLine]:
    names = available_timezones()
    try:
        for name in ("Europe/London", "America/Toronto", "Pacific/Auckland"):
            ZoneInfo(name)
    except ZoneInfoNotFoundError:
        remedy = "Install the package tzdata into this Python: pip install tzdata"
        yield CheckLine("time zones", ok=False, detail="no time zone data", remedy=remedy)
        return
    yield CheckLine("time zones", ok=True, detail=f"{len(names)} zones")


def _slack(settings: Settings) -> Iterator[CheckLine]:
    if settings.slack_bot_token is None and settings.slack_app_token is None:
        remedy = "To connect a workspace, follow the README; without tokens the bot runs in the sandbox."
        yield CheckLine("Slack", ok=None, detail="no tokens are set", remedy=remedy)
        yield from _sandbox_port(settings)
        return
    yield from _bot_token(settings)
    yield from _app_token(settings)


def _sandbox_port(settings: Settings) -> Iterator[CheckLine]:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = settings.sandbox_port and probe.connect_ex((settings.sandbox_host, settings.sandbox_port)) == 0
    where = f"{settings.sandbox_host}:{settings.sandbox_port}"
    if taken:
        remedy = f"If that isn't the bot itself, choose another port with {_PREFIX}SANDBOX_PORT."
        yield CheckLine("sandbox", ok=None, detail=f"something answers at {where} already", remedy=remedy)
    else:
        yield CheckLine("sandbox", ok=True, detail=f"{where} is free")


def _bot_token(settings: Settings) -> Iterator[CheckLine]:
    if settings.slack_bot_token is None:
        remedy = "Set SLACK_BOT_TOKEN: in the app's settings, OAuth & Permissions, Bot User OAuth Token."
        yield CheckLine("bot token", ok=False, detail="not set, and the app token is", remedy=remedy)
        return
    answer = _call(settings, settings.slack_bot_token.get_secret_value(), "auth.test")
    if isinstance(answer, str):
        remedy = "Install the app anew and copy the Bot User OAuth Token (xoxb-…), or check the way to Slack."
        yield CheckLine("bot token", ok=False, detail=f"Slack says {answer}", remedy=remedy)
        return
    yield CheckLine("bot token", ok=True, detail=f"works, as {answer.get('user')} in {answer.get('team')}")
    yield _scopes(settings, str(answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes") or ""))


def _scopes(settings: Settings, granted: str) -> CheckLine:
    from bot.slack.manifest import manifest

    wanted = set(manifest(settings)["oauth_config"]["scopes"]["bot"])
    missing = wanted - {scope.strip() for scope in granted.split(",")}
    if not granted:
        return CheckLine("scopes", ok=None, detail="Slack did not tell which scopes the token has")
    if missing:
        remedy = "Put the output of `isp-coach manifest` into the app's settings, then reinstall the app."
        return CheckLine("scopes", ok=False, detail=f"missing: {', '.join(sorted(missing))}", remedy=remedy)
    return CheckLine("scopes", ok=True, detail=f"all {len(wanted)} are granted")


def _app_token(settings: Settings) -> Iterator[CheckLine]:
    remedy = "In the app's settings, Basic Information, App-Level Tokens: make one with the scope connections:write."
    if settings.slack_app_token is None:
        yield CheckLine("app token", ok=False, detail="not set, and the bot token is", remedy=remedy)
        return
    answer = _call(settings, settings.slack_app_token.get_secret_value(), "apps.connections.open")
    if isinstance(answer, str):
        yield CheckLine("app token", ok=False, detail=f"Slack says {answer}", remedy=remedy)
    else:
        yield CheckLine("app token", ok=True, detail="opens a connection")


def _call(settings: Settings, token: str, method: str) -> Any:
    """Slack's answer, or its error in a word."""
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    client = WebClient(token=token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    try:
        return client.api_call(method)
    except SlackApiError as error:
        return str(error.response.get("error", "an error"))
    except (OSError, ValueError):
        return f"nothing: {settings.slack_api_url} can't be reached"


_CHECKS: tuple[tuple[str, Callable[[Settings], Iterator[CheckLine]]], ...] = (
    ("settings", _settings),
    ("data folder", _data_folder),
    ("content", _content),
    ("documents", _documents),
    ("database", _database),
    ("embeddings", _embeddings),
    ("index", _index),
    ("model", _model),
    ("time zones", _time_zones),
    ("Slack", _slack),
)
