"""Everything the bot sends to Slack: the one place that builds outgoing payloads and calls the Web API.

No call repeats by itself. A send ends in `Sent`: `sent`, `retry` (surely not taken; try later), `failed` (surely not
taken; trying again is no use), `uncertain` (Slack may have taken it), `revoked` (the token is dead) or `withheld` (not
sent, since the condition it was to be sent under no longer held).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from http.client import HTTPException
from ssl import SSLContext, create_default_context
from typing import Any
from urllib.error import URLError

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.http_retry import ConnectionErrorRetryHandler, RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from bot.core.records import Member
from bot.ports import LookupUnavailable, Sent
from bot.slack.gate import GatedClient, Withheld, only_if
from bot.slack.mrkdwn import Links, clip, escape, guard, guard_text
from bot.slack.replies import Block, View
from bot.slack.roles import ADMIN, FOREIGN, GUEST, Roles

log = structlog.get_logger()

TIMEOUT = 10  # seconds, connecting and each read
EVENT_TYPE = "isp_coach"  # of the message metadata that carries our key
TEXT_LIMIT = 12_000
ALT_LIMIT = 1_000  # of the words for a picture

_REVOKED = frozenset({"token_revoked", "token_expired", "invalid_auth", "account_inactive", "not_authed"})
_LATER = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "team_added_to_org",  # the workspace is being moved into an organisation
        "org_login_required",  # likewise, until that is done
        "accesslimited",  # not from this network
        "request_timeout",  # the request came cut off: Slack has not read it
    }
)
# What Slack says at start of a token that it doesn't take.
REFUSED_TOKENS = frozenset({"invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed"})
# Slack's own trouble: it answers so before or after having taken the message, so nothing is known.
_UNKNOWN = frozenset({"internal_error", "fatal_error", "service_unavailable"})
_TRIGGER_GONE = frozenset({"trigger_expired", "expired_trigger_id", "exchanged_trigger_id", "trigger_exchanged"})
_NETWORK = (URLError, OSError, HTTPException, SlackRequestError, ValueError)
_CODE = re.compile(r"^(?!http_)[a-z0-9_]{2,60}$")
_TOO_MANY, _SERVER_ERROR = 429, 500


class NotInstalled(Exception):
    """The app isn't installed in that workspace, or no more; nothing was sent."""


class TriggerExpired(Exception):
    """The three seconds in which a click may open a modal are over."""


class ViewRefused(Exception):
    """Slack didn't take a view; the argument is its error code."""


def client_for(token: str, base_url: str, *, reading: bool = False) -> WebClient:
    """A client whose sends are never repeated behind our back; one for reading may retry."""
    handlers = [ConnectionErrorRetryHandler(), RateLimitErrorRetryHandler(max_retry_count=1)] if reading else []
    return GatedClient(token=token, base_url=base_url, timeout=TIMEOUT, retry_handlers=handlers, ssl=_tls(base_url))


def _tls(url: str) -> SSLContext | None:
    return _trusted() if url.startswith("https:") else None


@cache
def _trusted() -> SSLContext:
    """What this machine trusts, read once: the SDK would read it anew for every call, some 40 ms of processor time."""
    context = create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def outgoing(
    text: str, blocks: Sequence[Block], links: Links, *, key: str | None = None, thread_ts: str | None = None
) -> dict[str, Any]:
    """The arguments of a message: guarded, without previews, with our key as metadata. The only maker of such."""
    payload: dict[str, Any] = {
        "text": clip(text, TEXT_LIMIT),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if blocks:
        payload["blocks"] = list(blocks)[:50]
    if thread_ts:
        payload["thread_ts"] = thread_ts
    guarded: dict[str, Any] = guard(payload, links)
    if key:
        guarded["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
    return guarded


def classify(error: Exception) -> Sent:
    """What a failed Web API call says about the message."""
    if not isinstance(error, SlackApiError):
        return Sent("uncertain", error=type(error).__name__)
    response = error.response
    status, headers = int(response.status_code), response.headers
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error") or f"http_{status}")
    if status == _TOO_MANY or code in _LATER:
        return Sent("retry", error=code, retry_after=_seconds(headers))
    if code in _REVOKED:
        return Sent("revoked", error=code)
    if status >= _SERVER_ERROR or code in _UNKNOWN or not _CODE.match(code):  # a page of HTML has no code
        return Sent("uncertain", error=code)
    return Sent("failed", error=code)


def _seconds(headers: Mapping[str, Any]) -> float:
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), 1)
    if isinstance(value, list):
        value = value[0]
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 1.0


class SlackMessenger:
    """Sends, finds, opens and publishes for the workspaces whose clients it is given."""

    def __init__(self, clients: Callable[[str], tuple[WebClient, WebClient]], links: Links) -> None:
        """`clients(team_id)` gives the client for sending and the one for reading of a workspace."""
        self._clients = clients
        self._links = links
        self._dms: dict[Member, str] = {}
        self._roles = Roles(self._person)
        self._dead: set[str] = set()  # tokens of workspaces that the app was removed from
        self._refused: set[str] = set()  # tokens that Slack has called dead

    def shut(self, team_id: str) -> None:
        """Make no call with a workspace's token any more: the app was removed there. A new token works."""
        with suppress(NotInstalled):
            self._dead |= {str(client.token) for client in self._clients(team_id)}

    def is_shut(self, team_id: str) -> bool:
        """Whether the app was removed from a workspace."""
        try:
            return bool(self._dead) and str(self._clients(team_id)[0].token) in self._dead
        except NotInstalled:
            return True

    def refused(self, team_id: str) -> bool:
        """Whether Slack called the workspace's present token dead."""
        if not self._refused and not self._dead:
            return False
        try:
            return str(self._clients(team_id)[0].token) in self._refused | self._dead
        except NotInstalled:
            return True

    def forget_refusal(self, team_id: str) -> None:
        """Slack takes the workspace's token."""
        with suppress(NotInstalled):
            self._refused.discard(str(self._clients(team_id)[0].token))

    # --- messages

    def post(
        self,
        member: Member,
        channel: str,
        *,
        text: str,
        blocks: Sequence[dict[str, Any]] = (),
        key: str | None = None,
        thread_ts: str | None = None,
        still: Callable[[], bool] | None = None,
    ) -> Sent:
        """Post one message, once, and only where `still()` holds at the last byte. Never raises for what Slack says."""
        payload = outgoing(text, blocks, self._links, key=key, thread_ts=thread_ts)
        used: list[WebClient] = []

        def call() -> Any:
            used.append(self._send(member))
            return used[0].chat_postMessage(channel=channel, **payload)

        with only_if(still):
            sent = self._sent(call)
        if sent.outcome == "revoked":
            self._refused |= {str(client.token) for client in used}
        return sent

    def respond(
        self, url: str, *, text: str, blocks: Sequence[dict[str, Any]] = (), replace_original: bool = False
    ) -> Sent:
        """Answer to one person over a response URL (five times within half an hour)."""
        payload = outgoing(text, blocks, self._links)
        body = payload | {"response_type": "ephemeral", "replace_original": replace_original}
        try:
            response = WebhookClient(url, timeout=TIMEOUT, retry_handlers=[], ssl=_tls(url)).send_dict(body)
        except _NETWORK as error:
            return Sent("uncertain", error=type(error).__name__)
        return _webhook_outcome(response.status_code, response.body, response.headers)

    def update(self, member: Member, channel: str, ts: str, *, text: str, blocks: Sequence[Block] = ()) -> Sent:
        """Put other words in one of our messages."""
        payload = outgoing(clip(text, 3900), blocks, self._links)
        wanted = {k: v for k, v in payload.items() if k in {"text", "blocks"}}
        return self._sent(lambda: self._send(member).chat_update(channel=channel, ts=ts, **wanted))

    # --- streams

    def start_stream(self, member: Member, channel: str, text: str, *, thread_ts: str | None) -> Sent:
        """Begin a message that grows; its reader is named, as channels want it."""
        who = {"recipient_team_id": member.team_id, "recipient_user_id": member.user_id}
        where = {"thread_ts": thread_ts} if thread_ts else {}
        body = {"channel": channel, "markdown_text": self._markdown(text), **who, **where}
        return self._sent(lambda: self._send(member).api_call("chat.startStream", json=body))

    def append_stream(self, member: Member, channel: str, ts: str, text: str) -> Sent:
        """Let a message grow."""
        words = self._markdown(text)
        return self._sent(lambda: self._send(member).chat_appendStream(channel=channel, ts=ts, markdown_text=words))

    def stop_stream(
        self,
        member: Member,
        channel: str,
        ts: str,
        *,
        text: str = "",
        blocks: Sequence[Block] = (),
        key: str | None = None,
    ) -> Sent:
        """End a message that grows, with what is left of its text, the blocks below it and our key."""
        body: dict[str, Any] = {"channel": channel, "ts": ts}
        if text:
            body["markdown_text"] = self._markdown(text)
        if blocks:
            body["blocks"] = guard(list(blocks)[:50], self._links)
        if key:
            body["metadata"] = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        return self._sent(lambda: self._send(member).api_call("chat.stopStream", json=body))

    def session(self, member: Member, channel: str, thread_ts: str, status: str) -> None:
        """Say how far an agent session is; where the app has no agent view Slack refuses, and that is all right."""
        body = {"channel_id": channel, "thread_ts": thread_ts, "status": status}
        try:
            self._send(member).api_call("agents.sessions.setStatus", json=body)
        except (SlackApiError, *_NETWORK) as error:
            log.debug("slack.session", error=classify(error).error)

    def _markdown(self, text: str) -> str:
        """Checked Markdown for a stream, where previews can't be turned off: no mention, no address but ours."""
        return guard_text(escape(clip(text, TEXT_LIMIT), self._links), self._links)

    def find(
        self, member: Member, channel: str, *, key: str, since: datetime, thread_ts: str | None = None
    ) -> str | None:
        """The `ts` of our message with this key in a DM, or None. Raises LookupUnavailable."""
        if not channel.startswith("D"):
            raise LookupUnavailable("only the history of DMs is read")
        arguments: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        try:
            client = self._read(member)
            for _ in range(20):
                page = _page(client, arguments, thread_ts)
                for message in page.get("messages") or ():
                    if _key_of(message) == key:
                        return str(message["ts"])
                cursor = (page.get("response_metadata") or {}).get("next_cursor")
                if not cursor:
                    return None
                arguments["cursor"] = cursor
        except (NotInstalled, SlackApiError, *_NETWORK) as error:
            raise LookupUnavailable(type(error).__name__) from error
        raise LookupUnavailable("history too long")

    def open_dm(self, member: Member) -> str:
        """The id of the DM with a person. Raises LookupUnavailable."""
        if member not in self._dms:
            try:
                response = self._read(member).conversations_open(users=member.user_id)
            except (NotInstalled, SlackApiError, *_NETWORK) as error:
                raise LookupUnavailable(type(error).__name__) from error
            self._dms[member] = str(response["channel"]["id"])
        return self._dms[member]

    # --- views

    def open_view(self, request: Any, view: View) -> str:
        """Open a modal for the click, command or shortcut `request`; the view's id.

        Raises TriggerExpired, or ViewRefused with Slack's code.
        """
        member, trigger = request.member, request.trigger_id
        return self._view(lambda: self._send(member).views_open(trigger_id=trigger, view=guard(view, self._links)))

    def push_view(self, request: Any, view: View) -> str:
        """Put a modal on top of the one in which the click `request` was; the view's id. Raises as open_view."""
        member, trigger = request.member, request.trigger_id
        return self._view(lambda: self._send(member).views_push(trigger_id=trigger, view=guard(view, self._links)))

    def update_view(self, member: Member, view_id: str, view: View, *, view_hash: str | None = None) -> str:
        """Put another view in an open modal's place. Raises ViewRefused, e.g. once the person closed it."""
        extra = {"hash": view_hash} if view_hash else {}
        return self._view(
            lambda: self._send(member).views_update(view_id=view_id, view=guard(view, self._links), **extra)
        )

    def publish_home(self, member: Member, view: View) -> Sent:
        """Publish a person's App Home."""
        return self._sent(
            lambda: self._send(member).views_publish(user_id=member.user_id, view=guard(view, self._links))
        )

    # --- people

    def zone_of(self, member: Member) -> str | None:
        """The IANA zone of a person's profile, or None where Slack doesn't say. Raises LookupUnavailable."""
        return self._person(member).get("tz") or None

    def is_admin(self, member: Member) -> bool:
        """Whether a person administers or owns the workspace. Raises LookupUnavailable."""
        return bool(self._roles.of(member) & ADMIN)

    def is_guest(self, member: Member) -> bool:
        """Whether a person is a guest there. Raises LookupUnavailable."""
        return bool(self._roles.of(member) & GUEST)

    def is_foreign(self, member: Member) -> bool:
        """Whether a person belongs to another organization (Slack Connect). Raises LookupUnavailable."""
        return FOREIGN in self._roles.of(member)

    def _person(self, member: Member) -> Mapping[str, Any]:
        try:
            response = self._read(member).users_info(user=member.user_id)
        except (NotInstalled, SlackApiError, *_NETWORK) as error:
            raise LookupUnavailable(type(error).__name__) from error
        found: Mapping[str, Any] = response.get("user") or {}
        return found

    def upload(
        self,
        member: Member,
        channel: str,
        *,
        filename: str,
        title: str,
        content: bytes,
        alt: str = "",
        comment: str = "",
    ) -> Sent:
        """Put a file into a DM, with words above it. `alt` says what a picture shows, in 1,000 characters at most."""
        return self._sent(
            lambda: self._send(member).files_upload_v2(
                channel=channel,
                filename=filename,
                title=title,
                content=content,
                alt_txt=clip(alt, ALT_LIMIT) or None,
                initial_comment=guard_text(comment, self._links) or None,
            )
        )

    def has_file(self, member: Member, channel: str, *, name: str, since: datetime) -> bool:
        """True where one of the DM's latest messages carries a file of that name. Raises LookupUnavailable."""
        try:
            page = self._read(member).conversations_history(
                channel=channel, oldest=f"{since.timestamp():.6f}", limit=200
            )
        except (SlackApiError, *_NETWORK) as error:
            raise LookupUnavailable(type(error).__name__) from error
        return any(file.get("name") == name for m in page.get("messages") or () for file in m.get("files") or ())

    # --- inside

    def _send(self, member: Member) -> WebClient:
        return self._alive(self._clients(member.team_id)[0])

    def _read(self, member: Member) -> WebClient:
        return self._alive(self._clients(member.team_id)[1])

    def _alive(self, client: WebClient) -> WebClient:
        if client.token in self._dead:
            raise NotInstalled
        return client

    def _sent(self, call: Callable[[], Any]) -> Sent:
        try:
            response = call()
        except NotInstalled:
            return Sent("revoked", error="not_installed")
        except Withheld:
            log.warning("slack.withheld")
            return Sent("withheld")
        except (SlackApiError, *_NETWORK) as error:
            sent = classify(error)
            log.warning("slack.send", outcome=sent.outcome, error=sent.error)
            return sent
        return Sent("sent", ts=response.get("ts"))

    def _view(self, call: Callable[[], Any]) -> str:
        try:
            response = call()
        except NotInstalled as error:
            raise ViewRefused("not_installed") from error
        except (SlackApiError, *_NETWORK) as error:
            code = classify(error).error or "unknown"
            if code in _TRIGGER_GONE:
                raise TriggerExpired(code) from error
            log.warning("slack.view", error=code)
            raise ViewRefused(code) from error
        return str(response["view"]["id"])


def _page(client: WebClient, arguments: dict[str, Any], thread_ts: str | None) -> Any:
    if thread_ts:
        return client.conversations_replies(ts=thread_ts, **arguments)
    return client.conversations_history(**arguments)


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    return (metadata.get("event_payload") or {}).get("key") if metadata.get("event_type") == EVENT_TYPE else None


def _webhook_outcome(status: int, body: str, headers: Mapping[str, Any]) -> Sent:
    if status == _TOO_MANY:
        return Sent("retry", error="ratelimited", retry_after=_seconds(headers))
    if status >= _SERVER_ERROR:
        return Sent("uncertain", error=f"http_{status}")
    text = (body or "").strip()
    if status == 200 and text in {"", "ok"}:  # noqa: PLR2004 - HTTP's own number
        return Sent("sent")
    return _json_outcome(status, text)


def _json_outcome(status: int, text: str) -> Sent:
    try:
        data = json.loads(text)
    except ValueError:
        known = 400 <= status < _SERVER_ERROR  # noqa: PLR2004 - refused before anything was done with it
        return Sent("failed", error=clip(text, 40)) if known else Sent("uncertain", error="not_json")
    if isinstance(data, dict) and data.get("ok"):
        return Sent("sent")
    return Sent("failed", error=str(data.get("error")) if isinstance(data, dict) else "unknown")
