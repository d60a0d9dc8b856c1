"""The plainest Bolt app that writes each message down before its acknowledgement: the yardstick for throughput.

python -m tests.scale.bare PORT API_URL DATABASE_URL. One insert of the same kind as our inbox's, no work behind it.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import uvicorn
from slack_bolt import App
from slack_bolt.adapter.asgi import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from sqlalchemy import create_engine, text

from tests.scale.requests import SECRET

MAKE = "CREATE TABLE IF NOT EXISTS bare (key VARCHAR PRIMARY KEY, team_id VARCHAR, user_id VARCHAR, payload TEXT, received_at BIGINT)"
WRITE = text("INSERT INTO bare VALUES (:key, :team, :user, :payload, :at) ON CONFLICT DO NOTHING")


def main(port: str, api_url: str, database_url: str) -> None:
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=16)
    with engine.begin() as connection:
        connection.execute(text(MAKE))
    app = App(
        signing_secret=SECRET,
        client=WebClient(base_url=api_url),
        authorize=lambda team_id: AuthorizeResult(
            enterprise_id=None, team_id=team_id, bot_token="xoxb-x", bot_id="B0COACH", bot_user_id="U0COACH"
        ),
    )

    @app.middleware
    def write(body: dict[str, Any], next: Any) -> None:  # noqa: A002 - Bolt's name
        event = body["event"]
        if event.get("channel_type") == "im":
            row = {
                "key": body["event_id"],
                "team": body["team_id"],
                "user": event["user"],
                "payload": event["text"],
                "at": time.time_ns() // 1000,
            }
            with engine.begin() as connection:
                connection.execute(WRITE, row)
        next()

    @app.event("message")
    def nothing() -> None:
        """Acknowledged; no work."""

    uvicorn.run(SlackRequestHandler(app), host="127.0.0.1", port=int(port), log_level="critical", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
