"""The doctor: each line is ok, or says what to do."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot import doctor
from bot.cli.faults import load_settings


def lines(check, **settings):
    return list(check(load_settings(**settings)))


@pytest.fixture
def slack():
    """A tiny Slack that knows two tokens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            good = self.headers["Authorization"] in {"Bearer xoxb-good", "Bearer xapp-good"}
            body = (
                {"ok": True, "user": "coach", "team": "Riverside", "url": "wss://x"}
                if good
                else {"ok": False, "error": "invalid_auth"}
            )
            raw = json.dumps(body).encode()
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-OAuth-Scopes", "chat:write,commands")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_misspelt_setting_is_found_with_the_likely_one(app, monkeypatch, tmp_path):
    monkeypatch.setenv("ISP_COACH_WORKRES", "4")
    (tmp_path / ".env").write_text("ISP_COACH_COLOUR=red\n# ISP_COACH_OLD=1\n", "utf-8")
    found = [(line.detail, line.remedy) for line in lines(doctor._settings) if line.ok is False]
    assert ("ISP_COACH_WORKRES is not a setting.", "Did you mean ISP_COACH_WORKERS?") in found
    assert any("ISP_COACH_COLOUR" in detail for detail, _ in found)
    assert not any("ISP_COACH_OLD" in detail for detail, _ in found)


def test_valid_settings_are_ok_and_a_missing_key_is_only_worth_knowing(app):
    assert [(line.name, line.ok) for line in lines(doctor._settings)] == [
        ("settings", True),
        ("encryption", None),
        ("support line", None),
    ]


def test_a_folder_and_time_zones_are_ok_on_this_machine(app):
    assert [line.ok for line in (*lines(doctor._data_folder), *lines(doctor._time_zones))] == [True, True]


def test_a_full_disk_is_told_with_what_to_do(app, monkeypatch):
    monkeypatch.setattr(doctor, "_FREE_BYTES", 10**18)
    (line,) = lines(doctor._data_folder)
    assert (line.ok, line.remedy) == (False, "Make room on that disk: 500 MB will do.")


def test_a_database_is_missing_then_without_tables_then_fine(app, run, tmp_path):
    (missing,) = lines(doctor._database)
    assert missing.ok is None
    (tmp_path / "state" / "coach.db").touch()
    (bare,) = lines(doctor._database)
    assert (bare.ok, bare.remedy) == (False, "Run `isp-coach migrate`.")
    run("migrate")
    (fine,) = lines(doctor._database)
    assert fine.ok
    assert "takes writes" in fine.detail


def test_no_tokens_are_no_fault_and_a_taken_port_is_noticed(app, slack):
    port = int(slack.rsplit(":", 1)[1].split("/")[0])
    none, sandbox = lines(doctor._slack, sandbox_port=port)
    assert (none.ok, sandbox.ok) == (None, None)
    assert "ISP_COACH_SANDBOX_PORT" in sandbox.remedy


def test_good_tokens_are_ok_and_missing_scopes_are_named(app, slack, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-good")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-good")
    monkeypatch.setenv("ISP_COACH_SLACK_API_URL", slack)
    bot, scopes, link = lines(doctor._slack)
    assert (bot.ok, bot.detail) == (True, "works, as coach in Riverside")
    assert scopes.ok is False
    assert "im:history" in scopes.detail
    assert "chat:write" not in scopes.detail
    assert link.ok


def test_a_refused_token_and_a_missing_one_say_what_to_do_and_never_the_token(app, slack, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-bad")
    monkeypatch.setenv("ISP_COACH_SLACK_API_URL", slack)
    found = lines(doctor._slack)
    assert [line.ok for line in found] == [False, False]
    assert "invalid_auth" in found[0].detail
    assert all(line.remedy for line in found)
    assert "xoxb-bad" not in repr(found)


def test_slack_out_of_reach_is_told(app, monkeypatch):
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-good")
    monkeypatch.setenv("ISP_COACH_SLACK_API_URL", "http://127.0.0.1:9/api/")
    assert "can't be reached" in lines(doctor._slack)[1].detail


def test_one_check_that_breaks_leaves_the_others_standing(run, monkeypatch):
    def broken(settings):
        raise RuntimeError("secret words")
        yield

    def fine(settings):
        yield doctor.CheckLine("fine", ok=True, detail="all well")

    monkeypatch.setattr(doctor, "_CHECKS", (("broken", broken), ("fine", fine)))
    ran = run("doctor")
    assert ran.status == 1
    assert "FIX broken: This check failed (RuntimeError)." in ran.out
    assert "ok  fine: all well" in ran.out
    assert "secret words" not in ran.out + ran.err
    found = json.loads(run("doctor", "--json").out)
    assert found["ok"] is False
    assert found["checks"][1] == {"name": "fine", "ok": True, "detail": "all well", "remedy": None}
