"""Row C8: sixteen threads read and write one SQLite file at the same time."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.adapters.storage.engine import sqlite_url
from bot.adapters.storage.repositories import SqlRepositories
from bot.core.errors import StorageError
from bot.core.records import Member
from tests.storage.rows import check, exchange, item, profile


@pytest.mark.fault("C8")
@pytest.mark.timeout(600)
def test_sixteen_threads_find_no_locked_database_and_none_waits_for_long(tmp_path: Path, full: bool, figure) -> None:
    seconds, threads = (300.0 if full else 3.0), 16
    rows = SqlRepositories(sqlite_url(tmp_path / "coach.db"))
    took: list[float] = []
    troubles: list[str] = []
    end = time.monotonic() + seconds

    def work(worker: int) -> None:
        me, n = Member("T", f"U{worker}"), 0
        writes = (
            lambda n: rows.inbox.record(item(f"Ev{worker}-{n}", member=me)),
            lambda n: rows.inbox.done(f"Ev{worker}-{n - 1}", "answered"),
            lambda n: rows.exchanges.save(exchange(f"x{n % 50}", member=me)),
            lambda n: rows.checks.add(check(f"c{n % 50}", member=me)),
            lambda n: rows.profiles.put(profile(member=me)),
        )
        while time.monotonic() < end:
            n += 1
            begun = time.monotonic()
            try:
                writes[n % len(writes)](n)
                took.append(time.monotonic() - begun)
                rows.checks.latest(me)
            except StorageError as error:
                troubles.append(str(error))

    running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    with rows.engine.connect() as connection:
        whole = connection.execute(text("PRAGMA integrity_check")).scalar()
    rows.close()
    took.sort()
    p99 = took[int(len(took) * 0.99)]
    figure(
        f"{threads} threads for {seconds:.0f} s: {len(took)} writes, p99 {p99:.3f} s, {len(troubles)} locked, "
        f"integrity {whole}; load average {os.getloadavg()[0]:.1f}"
    )
    assert troubles == []
    assert whole == "ok"
    if full:  # a wait is a figure only where nothing else runs
        assert p99 < 1.0
