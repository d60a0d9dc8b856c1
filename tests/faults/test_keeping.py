"""Row C9, and keys: a backup during writes and everything there again; a key changed on many rows, cut off, resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine, func, insert, select, text

from bot.adapters.backup import restore_backup, write_backup
from bot.adapters.crypto import SEALED, TextCipher
from bot.adapters.storage.engine import READ_ONLY, make_engine, sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.adapters.storage.tables import journal
from bot.core.errors import SettingsError, StorageError
from bot.core.records import Member
from bot.settings import Settings
from tests.fakes.postgres import postgres_binaries
from tests.faults.nudgebench import Bench
from tests.faults.nudgekit import DUE, ROOT
from tests.storage.rows import ANA, BEN, NOW, fill, reflection

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
CANARY = "kestrel-over-ward-seven"


def settings_for(url: str, folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, database_url=url, data_dir=folder, **more)


# --- C9 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("C9")
@pytest.mark.timeout(600)
def test_c9_a_backup_taken_during_writes_holds_all_that_was_written_before_it(
    url: str, tmp_path: Path, full: bool, figure: Any
) -> None:
    settings, stop = settings_for(url, tmp_path), threading.Event()
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "D-manual.json").write_text("{}", "utf-8")
    written: list[int] = []
    with closing(SqlRepositories(url)) as stored:
        fill(stored, BEN, CANARY)

        def write() -> None:
            while not stop.is_set():
                stored.journal.add(reflection(f"r{len(written)}", text=f"entry {len(written)}"))
                written.append(len(written))

        writer = threading.Thread(target=write)
        writer.start()
        while len(written) < (400 if full else 60):
            time.sleep(0.01)
        before = len(written)
        write_backup(settings, tmp_path / "all.tar", now=NOW)
        after = len(written)
        stop.set()
        writer.join()
        whole = stored.everything_of(BEN)
        with stored.engine.begin() as connection:  # what comes later, and a loss
            connection.execute(journal.delete())
    with pytest.raises(StorageError, match="--replace"):
        restore_backup(settings, tmp_path / "all.tar", now=NOW)
    restore_backup(settings, tmp_path / "all.tar", now=NOW, replace=True)
    with closing(SqlRepositories(url)) as stored:
        kept = {e.text for e in stored.journal.entries(ANA, limit=100_000)}
        lost = [n for n in range(before) if f"entry {n}" not in kept]
        figure(f"{before} entries before a backup during writes ({after - before} more meanwhile): {len(lost)} lost")
        assert not lost
        assert {t: r for t, r in stored.everything_of(BEN).items() if t not in {"nudges", "inbox"}} == {
            t: r for t, r in whole.items() if t not in {"nudges", "inbox"}
        }
    assert (tmp_path / "documents" / "D-manual.json").exists()
    assert (tmp_path / "all.tar").stat().st_mode & 0o077 == 0


@pytest.mark.fault("C9")
@pytest.mark.timeout(600)
def test_c9_what_was_sent_after_the_backup_is_not_sent_again(
    due: Bench, tmp_path: Path, full: bool, figure: Any
) -> None:
    people = 400 if full else 60
    due.seed(people)
    url = due.repositories.engine.url.render_as_string(hide_password=False)
    settings = settings_for(url, tmp_path)
    write_backup(settings, tmp_path / "all.tar", now=DUE)
    due.drain(due.worker(due.delivery(per_second=50.0)))
    assert due.states() == {"sent": people}
    due.repositories.engine.dispose()
    restore_backup(settings, tmp_path / "all.tar", now=DUE, replace=True)
    assert due.states() == {"due": people}  # as the backup had it
    due.clock.move(timedelta(seconds=30))
    due.drain(due.worker(due.delivery("two", per_second=50.0)))
    lost, twice = due.lost_and_twice()
    figure(f"{people} nudges sent after the backup, then restored: {lost} lost, {twice} sent twice")
    assert (lost, twice) == (0, 0)
    assert due.states() == {"sent": people}


def test_a_backup_that_holds_something_else_or_is_cut_off_changes_nothing(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "coach.db")
    settings = settings_for(url, tmp_path)
    with closing(SqlRepositories(url)) as stored:
        fill(stored, ANA)
    write_backup(settings, tmp_path / "good.tar", now=NOW)
    evil = tmp_path / "evil.tar"
    with tarfile.open(evil, "w") as package:
        package.add(tmp_path / "coach.db", arcname="../../outside.db")
    cut = tmp_path / "cut.tar"
    cut.write_bytes((tmp_path / "good.tar").read_bytes()[:9000])
    for bad in (evil, cut, tmp_path / "missing.tar"):
        with pytest.raises(StorageError):
            restore_backup(settings, bad, now=NOW, replace=True)
    assert not (tmp_path.parent.parent / "outside.db").exists()
    with closing(SqlRepositories(url)) as stored:
        assert len(stored.journal.entries(ANA)) == 1


def test_a_backup_sealed_with_another_key_is_told_before_anything_moves(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "coach.db")
    with closing(SqlRepositories(url, cipher=TextCipher([OLD]))) as stored:
        fill(stored, ANA)
    write_backup(settings_for(url, tmp_path, encryption_key=SecretStr(OLD)), tmp_path / "b.tar", now=NOW)
    with pytest.raises(SettingsError, match="ISP_COACH_ENCRYPTION_KEY"):
        restore_backup(
            settings_for(url, tmp_path, encryption_key=SecretStr(NEW)), tmp_path / "b.tar", now=NOW, replace=True
        )
    assert not list(tmp_path.glob("coach.db.before-*"))


# --- keys -------------------------------------------------------------------------------------------------------------


def seed_sealed(url: str, rows: int) -> None:
    engine = make_engine(url, TextCipher([OLD]))
    row = {"team_id": "T", "user_id": "U", "prompt": "", "commitment": "", "created_at": NOW}
    with engine.begin() as connection:
        for start in range(0, rows, 5000):
            batch = range(start, min(start + 5000, rows))
            connection.execute(insert(journal), [{**row, "id": str(n), "text": f"{CANARY} {n}"} for n in batch])
    engine.dispose()


def under(url: str, cipher: TextCipher) -> int:
    engine = make_engine(url, cipher)
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT text FROM journal")).scalars()
        found = sum(cipher.is_current(value) for value in stored)
    engine.dispose()
    return found


def under_way(engine: Engine, cipher: TextCipher, row: str) -> bool:
    """Whether a row has the new key; looked at often, so that the kill comes in the middle."""
    with engine.connect() as connection:
        connection.execution_options(**{READ_ONLY: True})  # else it would wait in line with the one that writes
        one = connection.execute(text("SELECT text FROM journal WHERE id = :id"), {"id": row}).scalar_one()
    return cipher.is_current(one)


@pytest.mark.fault("KEYS")
@pytest.mark.timeout(900)
def test_a_key_is_changed_on_many_rows_killed_in_the_middle_and_resumed(
    url: str, tmp_path: Path, full: bool, figure: Any
) -> None:
    rows = 100_000 if full else 10_000
    with closing(SqlRepositories(url, cipher=TextCipher([OLD]))):
        pass
    seed_sealed(url, rows)
    env = {
        **os.environ,
        "ISP_COACH_DATABASE_URL": url,
        "ISP_COACH_DATA_DIR": str(tmp_path),
        "ISP_COACH_ENCRYPTION_KEY": f"{NEW},{OLD}",
    }
    command = [sys.executable, "-m", "bot", "rotate-key"]
    watching = make_engine(url)
    running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    new = TextCipher([NEW])
    deadline = time.monotonic() + 300
    while not under_way(watching, new, str(rows // 3)) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    running.wait()
    watching.dispose()
    cut_at = under(url, new)
    heard: list[tuple[int, int]] = []
    with closing(SqlRepositories(url, cipher=TextCipher([NEW, OLD]))) as stored:
        changed = stored.reseal(lambda _what, seen, total: heard.append((seen, total)))
    with closing(SqlRepositories(url, cipher=TextCipher([NEW]))) as stored:
        entries = stored.journal.entries(Member("T", "U"), limit=rows + 1)
        readable = sum(entry.text.startswith(CANARY) for entry in entries)
        with stored.engine.connect() as connection:
            values = connection.execute(text("SELECT text FROM journal")).scalars()
            clear = sum(not value.startswith(SEALED) for value in values)
            assert connection.execute(select(func.count()).select_from(journal)).scalar_one() == rows
    figure(f"{rows} rows, killed at {cut_at}, resumed with {changed}: {readable} readable, {clear} in the clear")
    assert 0 < cut_at < rows
    assert cut_at + changed == rows
    assert (readable, clear) == (rows, 0)
    assert heard[-1] == (heard[-1][1], heard[-1][1])
    assert [seen for seen, _ in heard] == sorted(seen for seen, _ in heard)


def test_postgresqls_programs_are_found(tmp_path: Path) -> None:
    if postgres_binaries() is None:
        pytest.skip("PostgreSQL's binaries are not installed")
    with pytest.raises(StorageError, match="pg_dump"):
        write_backup(settings_for("postgresql://nobody:secret@127.0.0.1:1/none", tmp_path), tmp_path / "x.tar", now=NOW)
    assert list(tmp_path.glob("*.tar")) == []
