"""Slack's Web API: tokens, scopes, arguments, and the table of methods. Each method answers from the one state."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from bot.sandbox.records import BOT, BOT_USER, TEAM, TEAM_NAME, Channel, Json, Message
from bot.sandbox.state import State

JSON_ARGUMENTS = frozenset(
    {
        "blocks",
        "attachments",
        "metadata",
        "view",
        "files",
        "chunks",
        "prompts",
        "message",
        "loading_messages",
        "unfurls",
    }
)
LOUD = frozenset({"unknown_method", "msg_too_long", "missing_scope", "expired_trigger_id", "exchanged_trigger_id"})


class SlackError(Exception):
    """An `ok: false` answer: Slack's code, more fields, and messages for developers."""

    def __init__(self, code: str, *messages: str, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages
        self.fields = fields

    def wire(self) -> Json:
        """The answer's body."""
        body: Json = {"ok": False, "error": self.code, **self.fields}
        if self.messages:
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


@dataclass(frozen=True, slots=True)
class Call:
    """One call under way."""

    api: WebApi
    args: Json

    @property
    def state(self) -> State:
        """The workspace."""
        return self.api.state

    def text(self, name: str, *, needed: bool = False, error: str = "invalid_arguments") -> str:
        """A string argument, "" where it is absent. Raises SlackError where it is needed."""
        value = self.args.get(name)
        if value is None or value == "":
            if needed:
                raise SlackError(error, f"missing required field: {name}")
            return ""
        if isinstance(value, dict | list):
            raise SlackError("invalid_arguments", f"must be a string [json-pointer:/{name}]")
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean argument, in any of its spellings."""
        value = self.args.get(name)
        return default if value is None else str(value).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        try:
            return int(self.args.get(name) or default)
        except (TypeError, ValueError) as error:
            raise SlackError("invalid_arguments", f"must be a number [json-pointer:/{name}]") from error

    def items(self, name: str, error: str) -> list[Any] | None:
        """A list, or None where it is absent."""
        value = self.args.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise SlackError(error, f"must be an array [json-pointer:/{name}]")
        return value

    def channel(self, name: str = "channel", *, member: bool = True) -> Channel:
        """The conversation named by an argument; a person's id stands for the DM."""
        wanted = self.text(name, needed=True, error="channel_not_found")
        channel = self.state.channels.get(wanted) or self.state.dm_of(wanted)
        if channel is None:
            raise SlackError("channel_not_found")
        if member and BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def message(self, channel: Channel, name: str = "ts") -> Message:
        """The message named by an argument."""
        message = self.state.find(channel.id, self.text(name))
        if message is None or message.ephemeral_for is not None:
            raise SlackError("message_not_found")
        return message

    def needs(self, scope: str) -> None:
        """Require a scope that only turns up with the arguments."""
        self.api.require(scope)


Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API."""

    handler: Handler
    scopes: tuple[str, ...] = ()  # any one of them suffices; none: no scope needed
    token: str = "bot"  # bot, app, or "" for public methods  # noqa: S105 - a kind of token


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, token: str = "bot") -> Callable[[Handler], Handler]:  # noqa: S107 - a kind of token
    """Enter a function into the table of methods."""

    def enter(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, scopes, token)
        return handler

    return enter


class WebApi:
    """Answers calls. Safe to use from any thread; never raises for what a caller gets wrong."""

    def __init__(self, state: State, socket_url: Callable[[], str]) -> None:
        self.state = state
        self.socket_url = socket_url  # a fresh address for one WebSocket
        self.bot_token = f"xoxb-sandbox-{secrets.token_hex(12)}"
        self.app_token = f"xapp-sandbox-{secrets.token_hex(12)}"
        self.revoked = False

    def answer(self, name: str, args: Json, token: str | None) -> Json:
        """The body of the answer to one call."""
        try:
            with self.state.change():
                return {"ok": True, **self._run(name, args, token)}
        except SlackError as error:
            self._tell_pages(name, args, error)
            return error.wire()

    def _tell_pages(self, name: str, args: Json, error: SlackError) -> None:
        """Show on the pages what a developer should see at once: a payload that Slack would refuse."""
        if error.messages or error.code in LOUD:
            dm = self.state.channels.get(str(args.get("channel")))
            text = f"Slack refused {name}: {error.code} {'; '.join(error.messages)}".strip()
            self.state.bus.publish({"type": "notice", "level": "warning", "text": text}, dm.members if dm else None)

    def _run(self, name: str, args: Json, token: str | None) -> Json:
        entry = METHODS.get(name)
        if entry is None:
            raise SlackError("unknown_method", req_method=name)
        if entry.token:
            self._authenticate(entry, token)
        if entry.scopes:
            self.require(*entry.scopes)
        return entry.handler(Call(self, args))

    def _authenticate(self, entry: Method, token: str | None) -> None:
        if not token:
            raise SlackError("not_authed")
        if token not in {self.bot_token, self.app_token}:
            raise SlackError("invalid_auth")
        if self.revoked and token == self.bot_token:
            raise SlackError("token_revoked")
        if (token == self.app_token) != (entry.token == "app"):  # noqa: S105 - a kind of token
            raise SlackError("not_allowed_token_type")

    def require(self, *scopes: str) -> None:
        """Refuse where the manifest grants none of these scopes."""
        granted = self.state.manifest.scopes
        if not granted.intersection(scopes):
            raise SlackError("missing_scope", needed=scopes[0], provided=",".join(sorted(granted)))


def parse_arguments(content_type: str, body: bytes, query: str) -> Json:
    """The arguments of a call, from a JSON or form body and the query. Raises SlackError for what can't be read."""
    args: Json = dict(parse_qsl(query, keep_blank_values=True))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        args |= _json_object(body)
    elif body:
        if kind not in {"application/x-www-form-urlencoded", ""}:
            raise SlackError("invalid_post_type")
        try:
            args |= dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
        except ValueError as error:
            raise SlackError("invalid_form_data") from error
    for name in JSON_ARGUMENTS & args.keys():
        args[name] = _decoded(name, args[name])
    return args


def _json_object(body: bytes) -> Json:
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise SlackError("invalid_json") from error
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return {key: item for key, item in value.items() if item is not None}


def _decoded(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        code = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}.get(name, "invalid_arguments")
        raise SlackError(code, f"not valid JSON [json-pointer:/{name}]") from error


# --- the app itself ---


@method("api.test", token="")
def _api_test(call: Call) -> Json:
    error = call.text("error")
    if error:
        raise SlackError(error, args=call.args)
    return {"args": call.args}


@method("auth.test")
def _auth_test(call: Call) -> Json:

    return {
        "url": f"{call.state.base_url}/",
        "team": TEAM_NAME,
        "user": call.state.users[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", token="app")  # noqa: S106 - a kind of token
def _open_connection(call: Call) -> Json:
    if not call.state.manifest.socket_mode:
        raise SlackError("socket_mode_not_enabled")
    return {"url": call.api.socket_url()}


def without_nothing(fields: Mapping[str, Any]) -> Json:
    """The fields that are there."""
    return {key: value for key, value in fields.items() if value is not None}
