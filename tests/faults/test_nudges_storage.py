"""Rows D9, D10, D15 and D16: the database goes away, fills up, can't be written, is shared, or is upgraded under way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event

from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.migrating import _config, current_revision, downgrade, migrate
from bot.adapters.storage.repositories import SqlRepositories
from tests.fakes.postgres import PostgresServer, postgres_binaries, postgres_server
from tests.faults.nudgebench import bench
from tests.faults.nudgekit import ROOT, Databases, Nursery, Replica, from_due, seed, states
from tests.faults.recorder import POST, recording
from tests.realbot import INDEX


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


# --- D9: PostgreSQL stops ---------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.fault("D9")
@pytest.mark.timeout(900)
def test_d9_postgresql_may_crash_three_times_in_a_run(nursery: Nursery, tmp_path: Path, full: bool, figure) -> None:
    binaries, rows = postgres_binaries(), 1200 if full else 150
    if binaries is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    crashes, slowest = (3 if full else 1), 0.0
    with postgres_server(binaries) as server, recording(now=from_due()) as recorder:
        databases = Databases(tmp_path, server, rows)
        with databases.copy() as url:
            replica = nursery.start(url, recorder, per_second=40.0)
            try:
                for number in range(crashes):
                    assert recorder.wait_for(lambda r, n=number: r.out >= rows * (n + 1) // (crashes + 2), 120)
                    slowest = max(slowest, _crash(server, recorder))
                assert recorder.wait_for(lambda r: len(r.keys()) >= rows, 120)
                os.kill(replica.pid, 0)  # it lives
                _until(lambda: states(url) == {"sent": rows})
            finally:
                replica.kill()
    twice = sum(count > 1 for count in recorder.keys().values())
    figure(
        f"PostgreSQL crashed (-m immediate) {crashes} times over {rows} rows: the process lived, sending again at most "
        f"{slowest:.1f} s after the server was back, {rows - len(recorder.keys())} lost, {twice} twice"
    )
    assert twice == 0
    assert slowest <= 30


def _crash(server: PostgresServer, recorder) -> float:
    """Stop the server as a crash does and start it; seconds from then until the next message came."""
    server.stop(signal.SIGQUIT)
    server.start()
    begun, seen = time.monotonic(), recorder.out
    assert recorder.wait_for(lambda r: r.out > seen, 60)
    return time.monotonic() - begun


def _until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# --- D10: a full disk, a file that can't be written ------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own; skipped by name where this user may not mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "coach-test", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.fault("D10")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_d10_nothing_is_sent_while_claims_cannot_be_written(tmp_path: Path, how: str, figure) -> None:
    count = 40
    with small_disk(tmp_path / "disk", 8) as disk, bench(sqlite_url(disk / "coach.db")) as due:
        due.seed(count)
        worker = due.worker(poll_seconds=0.05)
        assert worker.health().ok
        due.repositories.engine.dispose()  # a file system with files open can't be made read-only
        _break(disk, how)
        _until(lambda: not worker.health().ok)  # the log has some room left within itself
        red = worker.health().problem
        worker.start()
        try:
            for _ in range(5):
                worker.wake()
                time.sleep(0.1)  # it may try as it likes
            meanwhile = due.recorder.out
            _mend(disk, how)
            _until(lambda: due.states() == {"sent": count})
        finally:
            worker.stop()
        lost, twice = due.lost_and_twice()
        figure(
            f"{how} disk: {meanwhile} sends meanwhile, health said {red!r}; then "
            f"without a restart {count - lost} of {count} sent, {twice} twice, health "
            f"{'green' if worker.health().ok else 'red'}"
        )
        assert red
        assert (meanwhile, lost, twice) == (0, 0, 0)
        assert worker.health().ok


def _break(disk: Path, how: str) -> None:
    if how == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        return
    with (disk / "more").open("wb", buffering=0) as more, suppress(OSError):
        while True:  # until there is no space left
            more.write(b"x" * 512)


def _mend(disk: Path, how: str) -> None:
    if how == "read-only":
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    else:
        (disk / "more").unlink()


@pytest.mark.fault("D10")
@pytest.mark.timeout(300)
def test_d10_a_disk_that_fills_up_in_the_middle_repeats_nothing(tmp_path: Path, figure) -> None:
    """By SQLite's own limit, which needs no right to mount: notes of sends fail in the middle of a run."""
    count, limited = 60, [False]
    SqlRepositories(sqlite_url(tmp_path / "coach.db")).close()
    with bench(sqlite_url(tmp_path / "coach.db")) as due:
        due.seed(count)

        @event.listens_for(due.repositories.engine, "checkout")
        def _limit(connection, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {1 if limited[0] else 1_000_000}")
            connection.execute(f"PRAGMA query_only = {int(limited[0])}")

        def fill(_call: object) -> None:
            limited[0] = due.recorder.out == 20 or limited[0]  # while the answer to this send is on its way

        due.recorder.after_post = fill
        worker = due.worker()
        with pytest.raises(Exception, match=r"read-only|full"):
            due.drain(worker)
        meanwhile, unclaimed = due.recorder.out, [row for row in due.table() if row.state == "due"]
        sent_unclaimed = sum(due.recorder.keys()[row.id] for row in unclaimed)
        limited[0] = False
        due.recorder.after_post = lambda _call: None
        due.drain(worker)
        lost, twice = due.lost_and_twice()
    figure(
        f"disk full after send 20 of {count}: {meanwhile - 20} more sends, {sent_unclaimed} without a committed claim; "
        f"with room again {lost} lost, {twice} twice"
    )
    assert (sent_unclaimed, lost, twice) == (0, 0, 0)


# --- D15: two processes on one data folder ---------------------------------------------------------------------------


def isp_coach(*words: str, data: Path) -> subprocess.Popen[str]:
    hidden = {
        "SLACK_BOT_TOKEN": "",
        "SLACK_APP_TOKEN": "",
        "ISP_COACH_DATA_DIR": str(data),
        "ISP_COACH_EMBEDDINGS": "builtin",
        "ISP_COACH_SANDBOX_PORT": "0",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **hidden},
        cwd=ROOT,
    )


@pytest.mark.fault("D15")
@pytest.mark.timeout(600)
def test_d15_a_second_process_on_a_data_folder_is_told_and_readers_work_beside_it(
    tmp_path: Path, full: bool, figure
) -> None:
    INDEX.mkdir(exist_ok=True)
    (tmp_path / "index").symlink_to(INDEX, target_is_directory=True)
    document = tmp_path / "more.md"
    document.write_text("# More\n\nA paragraph about coaching.\n", "utf-8")
    first = isp_coach("sandbox", data=tmp_path)
    try:
        assert first.stdout is not None
        while "sandbox: http" not in (line := first.stdout.readline()):
            assert line, "the first one ended"
        slowest = 0.0
        for words in (("run",), ("sandbox",), ("ingest", str(document)), ("migrate",)):
            begun = time.monotonic()
            second = isp_coach(*words, data=tmp_path)
            os.waitid(os.P_PID, second.pid, os.WEXITED | os.WNOWAIT)  # ended, and still to be asked about
            took = time.monotonic() - begun - _stood_in_line(second.pid)
            _, told = second.communicate(timeout=60)
            slowest = max(slowest, took)
            assert second.returncode == 4, (words, told)
            assert re.search(rf"process {first.pid}\b", told), told
            assert took <= 5, f"{words} took {took:.1f} s"
        beside = _readers(tmp_path) if full else []
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=120)
    figure(
        f"run, sandbox, ingest and migrate beside a serving process end with status 4 and its number after at most "
        f"{slowest:.1f} s (less the time for which others had the processor); beside it work: {', '.join(beside) or 'not measured'}"
    )


def _stood_in_line(pid: int) -> float:
    """Seconds for which a process was ready to go on and others had the processor, by the kernel's account."""
    return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9


def _readers(data: Path) -> list[str]:
    question = "What gets in the way of a new practice?"
    few = data / "few.jsonl"
    lines = (ROOT / "tests/evals/retrieval-mia.jsonl").read_text("utf-8").splitlines()[:3]
    few.write_text("\n".join(lines) + "\n", "utf-8")
    done = []
    for words, typed in (
        (("ask", question, "--json"), ""),
        (("triage", question, "--json"), ""),
        (("chat",), f"{question}\n"),
        (("eval", "retrieval", str(few)), ""),
    ):
        process = isp_coach(*words, data=data)
        out, told = process.communicate(typed, timeout=180)
        assert process.returncode == 0, (words, told)
        assert out
        done.append(words[0])
    return done


# --- D16: the version before and this one on one database -------------------------------------------------------------


def previous_code(folder: Path) -> tuple[str, Path]:
    """The revision before the newest and the last code that had no other; skipped where history doesn't tell."""
    scripts = ScriptDirectory.from_config(_config())
    head = scripts.get_revision("head")
    assert isinstance(head.down_revision, str)
    path = Path(head.path).relative_to(ROOT)
    git = ["git", "-C", str(ROOT)]
    added = subprocess.run(
        [*git, "log", "--diff-filter=A", "--format=%H", "-1", "--", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    commit = added.stdout.strip()
    if added.returncode or not commit:
        pytest.skip("no git history that holds the version before this schema")
    archive = subprocess.run(
        [*git, "archive", f"{commit}^", "bot", "knowledge", "prompts"], capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip("no git history that holds the version before this schema")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    (folder / "tests/faults").mkdir(parents=True)
    shutil.copy(ROOT / "tests/faults/replica.py", folder / "tests/faults/replica.py")
    return head.down_revision, folder


@pytest.mark.postgres
@pytest.mark.fault("D16")
@pytest.mark.timeout(600)
def test_d16_the_version_before_and_this_one_work_on_one_database(
    nursery: Nursery, postgres: PostgresServer, tmp_path: Path, full: bool, figure
) -> None:
    revision, old_code = previous_code(tmp_path)
    rows, name = (2000 if full else 150), postgres.create()
    url = postgres.url(name)
    engine = make_engine(url)
    migrate(engine)
    downgrade(engine, revision)
    seed(engine, rows)
    with recording(now=from_due()) as recorder:
        order = {
            "name": "old",
            "database": url,
            "api_url": recorder.url,
            "ahead": recorder.now() - time.time(),
            "per_second": 200.0 if full else 20.0,
            "lease": 4.0,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.replica", "--once", json.dumps(order)],
            cwd=old_code,
            stderr=subprocess.PIPE,
        )
        new: Replica | None = None
        try:
            assert recorder.wait_for(lambda r: r.out >= rows // 10, 120), "the version before sends nothing"
            assert current_revision(engine) == revision
            new = nursery.start(url, recorder, name="new", per_second=order["per_second"])
            _until(lambda: current_revision(engine) != revision)
            together = recorder.out
            recorder.wait_for(lambda r: r.out >= rows * 2 // 3, 120)
            process.kill()  # in the middle of something
            assert recorder.wait_for(lambda r: len(r.keys()) >= rows, 120)
            _until(lambda: states(url) == {"sent": rows})
        finally:
            process.kill()
            process.communicate()
            if new is not None:
                new.kill()
    engine.dispose()
    posts, keys = len(recorder.of(POST)), recorder.keys()
    twice = sum(count > 1 for count in keys.values())
    figure(
        f"PostgreSQL, {rows} rows: the code of revision {revision} sends, this version upgrades at {together} sent and "
        f"joins, the old one is killed at two thirds: {rows - len(keys)} lost, {twice} twice, {posts} posts"
    )
    assert (rows - len(keys), twice) == (0, 0)
    postgres.drop(name)
