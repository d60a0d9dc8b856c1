"""response_url: five uses within half an hour, in the conversation where the interaction was."""

from __future__ import annotations

from bot.sandbox.api_chat import content_of
from bot.sandbox.records import BOT_USER, Json, Message, ResponseUrl
from bot.sandbox.state import State
from bot.sandbox.web_api import SlackError

MAX_USES = 5


class Responses:
    """Answers what is posted to response URLs."""

    def __init__(self, state: State) -> None:
        self.state = state

    def answer(self, url_id: str, payload: Json) -> Json:
        """Do what one POST asks for; the body of the answer, with `error` where Slack would refuse."""
        try:
            with self.state.change():
                self._run(url_id, payload)
        except SlackError as error:
            return error.wire()
        return {"ok": True}

    def _run(self, url_id: str, payload: Json) -> None:
        url = self.state.response_urls.get(url_id)
        if url is None or self.state.now() > url.expires:
            raise SlackError("expired_url")
        if url.uses >= MAX_USES:
            raise SlackError("used_url")
        url.uses += 1
        target = self.state.find(url.channel, url.message_ts)
        if payload.get("delete_original"):
            if target is not None:
                self.state.delete(target)
            return
        parts = content_of(payload)
        if payload.get("replace_original") and target is not None:
            self._replace(target, parts)
        else:
            self._post(url, payload, parts)

    def _replace(self, target: Message, parts: Json) -> None:
        def apply(message: Message) -> None:
            for name, value in parts.items():
                setattr(message, name, value)

        self.state.edit(target, apply, mark=target.ephemeral_for is None)

    def _post(self, url: ResponseUrl, payload: Json, parts: Json) -> None:
        public = payload.get("response_type") == "in_channel"
        thread = self.state.find(url.channel, str(payload.get("thread_ts") or ""))
        message = Message(url.channel, self.state.new_ts(), BOT_USER, **parts)
        message.thread_ts = thread.root_ts if thread else None
        message.ephemeral_for = None if public else url.user
        self.state.post(message)
