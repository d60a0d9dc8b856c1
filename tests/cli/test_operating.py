"""`run` and upkeep: the right service starts, reports are plain, exit statuses mean something."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import yaml

from bot.adapters.data_folder import DataFolder
from bot.adapters.minilm_download import fetch_minilm
from bot.adapters.storage.repositories import SqlRepositories
from bot.app import serve_sandbox
from bot.cli.faults import load_settings
from bot.core.errors import CoachError, DataFolderInUse, DocumentError, SettingsError
from bot.core.exemplars import ExemplarFile
from bot.core.records import Exchange, Member
from bot.sandbox.server import Sandbox
from bot.settings import Settings


@dataclass(frozen=True)
class Report:
    status: str
    paragraphs: int = 129
    placed: int = 129
    unplaced: int = 0
    passages: int = 118


def test_without_tokens_run_starts_the_sandbox_and_prints_its_address(run, app):
    ran = run("run")
    assert (ran.status, app.served) == (0, ["sandbox"])
    assert ran.out == "ISP Coach is at http://127.0.0.1:8765\n"


def test_with_both_tokens_run_starts_in_slack_and_sandbox_still_the_sandbox(run, app, tmp_path):
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\n", "utf-8")
    assert run("run").status == 0
    assert run("sandbox").status == 0
    assert app.served == ["slack", "sandbox"]


@pytest.mark.parametrize(
    ("set_", "missing"), [("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), ("SLACK_APP_TOKEN", "SLACK_BOT_TOKEN")]
)
def test_one_token_alone_is_a_wrong_setting_that_names_the_other(run, app, monkeypatch, set_, missing):
    monkeypatch.setenv(set_, "x-secret")
    ran = run("run")
    assert (ran.status, app.served) == (2, [])
    assert f"{missing} is not set" in ran.err
    assert "x-secret" not in ran.err


def test_a_taken_port_is_a_wrong_setting_with_a_way_out(run, app):
    app.failure = SettingsError("127.0.0.1:8765 is taken.")
    ran = run("sandbox")
    assert ran.status == 2
    assert ran.err == "127.0.0.1:8765 is taken.\n"


def test_the_sandbox_on_a_taken_port_says_so_as_a_wrong_setting(tmp_path):
    with Sandbox() as first:
        taken = Settings(_env_file=None, data_dir=tmp_path, sandbox_port=first.port)
        with pytest.raises(SettingsError, match=f"port {first.port}.*ISP_COACH_SANDBOX_PORT"):
            serve_sandbox(taken, lambda _words: None)


def test_a_data_folder_in_use_ends_with_status_4_and_the_reason(run, app):
    app.failure = DataFolderInUse("The data folder is in use (process 7, running the bot).")
    ran = run("run")
    assert (ran.status, ran.out) == (4, "")
    assert "process 7" in ran.err


@pytest.mark.parametrize(
    ("status", "words"),
    [("added", "Added."), ("unchanged", "Nothing changed."), ("replaced", "Replaced the earlier version.")],
)
def test_ingest_says_what_it_did(run, app, status, words):
    app.report = Report(status)
    ran = run("ingest", "paper.txt", "--team", "T1")
    assert ran.status == 0
    assert ran.out == f"{words} 129 paragraphs, 129 placed, 0 unplaced; 118 passages.\n"
    assert app.served == ["paper.txt for T1"]


def test_ingest_without_a_team_is_for_all_and_json_is_the_report(run, app):
    app.report = Report("added")
    assert json.loads(run("ingest", "paper.txt", "--json").out)["unplaced"] == 0
    assert app.served == ["paper.txt for *"]


def test_a_document_that_cannot_be_read_is_told_calmly(run, app):
    app.failure = DocumentError("paper.pdf is encrypted; save it without a password first.")
    ran = run("ingest", "paper.pdf")
    assert (ran.status, ran.err) == (1, "paper.pdf is encrypted; save it without a password first.\n")


def test_migrate_upgrades_once_and_then_has_nothing_to_do(run):
    assert "now in this version's form" in run("migrate").out
    assert "; 0 rows" in run("migrate").out


def test_migrate_keeps_its_hands_off_a_folder_in_use(run, tmp_path):
    with DataFolder(tmp_path / "state").serve_lock("running the bot"):
        ran = run("migrate")
    assert ran.status == 4
    assert "running the bot" in ran.err


def exchange(number, **changes):
    fields = {
        "id": f"x{number}", "member": Member("T1", "U1"), "kind": "triage", "asked": f"Nobody  decides {number}\n here",
        "result": {"functions": [["FB", 0.6], ["FA", 0.4], ["FC", 0.1]], "level": "advanced"},
        "created_at": datetime(2026, 11, 1, 12, number, tzinfo=UTC),
    }  # fmt: skip
    return Exchange(**{**fields, **changes})


@pytest.fixture
def corrected(run):
    repositories = SqlRepositories.open(load_settings())
    member = Member("T1", "U1")
    for number, correction, may_share in ((1, "C1", True), (2, "none", True), (3, "C2", False)):
        repositories.exchanges.save(exchange(number))
        repositories.exchanges.correct(f"x{number}", member, correction=correction, may_share=may_share)
    repositories.close()


def test_shared_corrections_become_drafts_that_the_content_loader_takes(run, corrected):
    ran = run("corrections", "export")
    file = ExemplarFile.model_validate(yaml.safe_load(ran.out))
    assert [(m.primary, m.text, m.functions, m.level) for m in file.messages] == [
        ("C1", "Nobody decides 1 here", ("FB", "FA"), "advanced")
    ]
    assert [n.text for n in file.negatives] == ["Nobody decides 2 here"]
    assert "2 corrections shared" in ran.err


def test_drafts_say_nothing_of_who_wrote_them(run, corrected):
    out = run("corrections", "export", "--json").out
    assert len(out.splitlines()) == 2
    assert not {"T1", "U1", "x1", "x2"} & set(json.dumps(out).replace('"', " ").replace("\\", " ").split())


def test_setup_says_plainly_when_the_model_cannot_be_fetched_and_builds_the_index_anyway(run, monkeypatch, tmp_path):
    def fetch(folder):
        raise CoachError("The MiniLM model could not be fetched from here.")

    monkeypatch.setenv("ISP_COACH_MINILM_DIR", str(tmp_path / "onnx"))
    monkeypatch.setattr("bot.adapters.minilm_download.fetch_minilm", fetch)
    ran = run("setup")
    assert ran.status == 1
    assert "could not be fetched from here" in ran.err
    assert ran.out == "The index is ready.\n"


def test_fetching_without_a_way_out_is_calm_and_leaves_no_model(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise httpx.ConnectError("no route to secret-host")

    monkeypatch.setattr("httpx.stream", refuse)
    with pytest.raises(CoachError, match="works without it") as caught:
        fetch_minilm(tmp_path / "onnx")
    assert "secret-host" not in str(caught.value)
    with pytest.raises(CoachError, match="named onnx"):
        fetch_minilm(tmp_path / "elsewhere")


def test_log_lines_go_to_standard_error_without_the_words_of_an_error():
    script = (
        "import logging, structlog\nfrom bot.cli.logs import to_standard_error\nto_standard_error('INFO', as_json={json})\n"
        "log = structlog.get_logger()\n"
        "try:\n    raise RuntimeError('secret words')\n"
        "except RuntimeError:\n    log.exception('ask.failed', inbox='k1')\n    logging.getLogger('x').exception('y')\n"
        "logging.getLogger('slack_bolt').info('secret words')\n"
    )
    for as_json in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", script.format(json=as_json)], capture_output=True, text=True, check=True
        )
        assert done.stdout == ""
        assert "ask.failed" in done.stderr
        assert "k1" in done.stderr
        assert "RuntimeError" in done.stderr
        assert "secret words" not in done.stderr
        if as_json:
            assert [json.loads(line)["level"] for line in done.stderr.splitlines()] == ["error", "error"]
