"""Many workspaces: the way of an installation, and its end, in either order of Slack's two events."""

from __future__ import annotations

import http.client
import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from bot.adapters.crypto import TextCipher
from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.records import Member
from bot.slack.manifest import manifest
from bot.slack.workspaces import ManyWorkspaces
from tests.fakes.memory import MemoryRepositories
from tests.scale.conftest import Served, installation, token
from tests.scale.requests import event, lifecycle

GRANTED = {
    "ok": True,
    "app_id": "A0COACH",
    "access_token": token("T0NEW"),
    "token_type": "bot",
    "bot_user_id": "U0COACH",
    "scope": "chat:write,commands",
    "team": {"id": "T0NEW", "name": "North <Side> & Co"},
    "enterprise": None,
    "is_enterprise_install": False,
    "authed_user": {"id": "U0ADMIN"},
}


def _get(served: Served, path: str, cookie: str = "") -> tuple[int, str, http.client.HTTPMessage]:
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        line.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        response = line.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        line.close()


def _begin(served: Served) -> tuple[str, str]:
    """The state that goes along to Slack, and the browser's cookie."""
    status, page, headers = _get(served, "/slack/install")
    assert status == 200
    address = re.search(r'href="(http[^"]+/oauth/v2/authorize[^"]+)"', page)[1].replace("&amp;", "&")
    query = parse_qs(urlsplit(address).query)
    assert query["client_id"] == ["111.222"]
    assert query["redirect_uri"] == ["https://coach.example.org/slack/oauth_redirect"]
    assert "chat:write" in query["scope"][0]
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    return query["state"][0], cookie.partition(";")[0]


def test_a_workspace_adds_the_app_and_is_answered_at_once(served: Served) -> None:
    assert served.client().post(event("Ev0", team="T0NEW"))[0] == 200  # unknown as yet, and remembered so
    served.slack.codes["a-code"] = GRANTED
    state, cookie = _begin(served)
    status, page, headers = _get(served, f"/slack/oauth_redirect?code=a-code&state={state}", cookie)
    assert status == 200
    assert "North &lt;Side&gt; &amp; Co" in page
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    kept = served.repositories.installations.get("T0NEW")
    assert (kept.bot_token, kept.bot_id, kept.installed_by) == (token("T0NEW"), "B0COACH", "U0ADMIN")
    assert served.client().post(event("Ev1", team="T0NEW", user="U0NEW"))[0] == 200
    assert served.slack.wait_for(lambda: bool(served.slack.said["D0NEW"]))
    assert served.slack.said["D0NEW"][0]["token"] == token("T0NEW")


def test_a_state_is_good_once_and_in_its_own_browser(served: Served) -> None:
    served.slack.codes["a-code"] = GRANTED
    state, cookie = _begin(served)
    back = f"/slack/oauth_redirect?code=a-code&state={state}"
    assert _get(served, back)[0] == 400  # another browser
    assert _get(served, back, cookie)[0] == 200
    assert _get(served, back, cookie)[0] == 400
    assert _get(served, "/slack/oauth_redirect?code=a-code&state=made-up", "slack-app-oauth-state=made-up")[0] == 400


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("error=access_denied", 200, "Nothing was installed"),
        ("error=<script>", 400, "That didn&#x27;t work"),
        ("", 400, "Please start again"),
        ("state=%00%ff&code=x", 400, "Please start again"),
        ("code=x&state=" + "a" * 5000, 414, "too long"),
    ],
)
def test_what_comes_back_wrong_is_answered_in_words(served: Served, query: str, status: int, words: str) -> None:
    found, page, _ = _get(served, f"/slack/oauth_redirect?{query}")
    assert (found, words in page, "<script>" in page) == (status, True, False)


def test_a_code_that_slack_refuses_and_an_installation_for_an_organisation_leave_nothing(served: Served) -> None:
    served.slack.codes["org"] = GRANTED | {"is_enterprise_install": True, "team": None, "enterprise": {"id": "E1"}}
    for code, words in (("wrong", "Please start again"), ("org", "One workspace at a time")):
        state, cookie = _begin(served)
        status, page, _ = _get(served, f"/slack/oauth_redirect?code={code}&state={state}", cookie)
        assert (status, words in page) == (400, True)
    assert served.repositories.installations.count() == 2  # the two of the fixture


def test_where_slack_cant_be_reached_the_page_says_so(served: Served, slack) -> None:
    state, cookie = _begin(served)

    def away(method: str, *_: object) -> dict:
        raise OSError(method)

    slack.handle = away
    status, page, _ = _get(served, f"/slack/oauth_redirect?code=x&state={state}", cookie)
    assert (status, "Not just now" in page) == (503, True)


# --- the end ---


@pytest.mark.parametrize("order", [("app_uninstalled", "tokens_revoked"), ("tokens_revoked", "app_uninstalled")])
def test_after_an_uninstallation_nothing_of_the_workspace_is_left_and_no_call_uses_its_token(
    served: Served, order: tuple[str, str]
) -> None:
    client = served.client()
    client.post(event("Ev1", team="T0ONE"))
    assert served.slack.wait_for(lambda: bool(served.slack.said["D0ANA"]))
    for number, name in enumerate(order):
        assert client.post(lifecycle(f"EvL{number}", name, team="T0ONE"))[0] == 200
    served.slack.dead.add(token("T0ONE"))
    rows = served.repositories
    client.post(event("Ev2", team="T0TWO", user="U0BEN"))
    assert served.slack.wait_for(lambda: bool(served.slack.said["D0BEN"]))
    _until(
        lambda: (
            rows.installations.get("T0ONE") is None and not rows.everything_of(Member("T0ONE", "U0ANA"))["exchanges"]
        )
    )
    before = len(served.slack.calls)
    for number in range(20):
        assert client.post(event(f"EvAfter{number}", team="T0ONE"))[0] == 200
    client.post(event("Ev3", team="T0TWO", user="U0BEN"))
    assert served.slack.wait_for(lambda: len(served.slack.said["D0BEN"]) == 2)
    assert {c.token for c in served.slack.calls[before:]} == {token("T0TWO")}


def _until(true) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_another_replica_stops_calling_as_soon_as_the_installation_is_gone() -> None:
    rows, now = MemoryRepositories(), [0.0]
    rows.installations.save(installation("T0ONE"))
    here = ManyWorkspaces(rows.installations, "http://x/api/", seconds=lambda: now[0])
    assert here.us("T0ONE") is not None
    assert here.clients("T0ONE")[0].token == token("T0ONE")
    rows.installations.remove("T0ONE")  # on another replica
    with pytest.raises(Exception, match="T0ONE"):
        here.clients("T0ONE")
    assert here.us("T0ONE") is None  # the failed look dropped what was remembered
    rows.installations.save(installation("T0ONE", bot_token="xoxb-newer"))
    assert here.clients("T0ONE")[0].token == "xoxb-newer"
    now[0] += 6
    assert here.us("T0ONE") is not None


def test_who_we_are_is_looked_up_once_a_minute_not_with_every_delivery() -> None:
    rows, now, looks = MemoryRepositories(), [0.0], []
    rows.installations.save(installation("T0ONE"))
    get = rows.installations.get
    rows.installations.get = lambda team: (looks.append(team), get(team))[1]
    here = ManyWorkspaces(rows.installations, "http://x/api/", seconds=lambda: now[0])
    for _ in range(50):
        here.us("T0ONE")
    assert len(looks) == 1
    now[0] += 61
    here.us("T0ONE")
    assert len(looks) == 2


def test_tokens_lie_sealed_in_the_database(tmp_path) -> None:
    path = tmp_path / "coach.db"
    rows = SqlRepositories(sqlite_url(path), cipher=TextCipher([Fernet.generate_key().decode()]))
    rows.installations.save(installation("T0ONE"))
    with rows.engine.connect() as connection:
        stored = connection.execute(text("SELECT bot_token, team_name FROM installations")).one()
    assert rows.installations.get("T0ONE").bot_token == token("T0ONE")
    rows.close()
    assert all(value.startswith("enc:v1:") for value in stored)
    assert token("T0ONE").encode() not in b"".join(f.read_bytes() for f in tmp_path.iterdir())


def test_the_manifest_of_http_mode_names_our_addresses(settings) -> None:
    made = manifest(settings)
    there = "https://coach.example.org/slack/events"
    assert made["settings"]["event_subscriptions"]["request_url"] == there
    assert made["settings"]["interactivity"]["request_url"] == there
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["oauth_config"]["redirect_urls"] == ["https://coach.example.org/slack/oauth_redirect"]
    assert all(c["url"] == there for c in made["features"]["slash_commands"])
    assert json.dumps(made)
