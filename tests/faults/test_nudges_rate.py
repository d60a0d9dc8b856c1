"""Row D18 and the large numbers: bursts keep to the rate and nearly use it up; 10,000 subscribers cost next to nothing."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.data_folder import DataFolder
from bot.adapters.storage.engine import make_engine, sqlite_url
from bot.adapters.storage.migrating import migrate
from bot.adapters.storage.repositories import SqlRepositories
from bot.adapters.storage.tables import nudges as rows
from bot.core.records import Member, Nudge
from bot.ports import Sent
from bot.sandbox.server import Sandbox
from bot.services.delivery import Delivery, Pace
from bot.services.nudge_worker import NudgeWorker
from bot.services.nudges import Nudges
from bot.settings import Settings
from bot.slack.manifest import manifest
from tests.faults.nudgekit import DUE, ROOT, scratch, seed
from tests.faults.recorder import POST, recording
from tests.faults.replica import load, messenger
from tests.faults.simclock import SimClock
from tests.faults.test_nudges_slack import most_within
from tests.realbot import INDEX


class SimDelivery(Delivery):
    """The real one; the clock stands still while it works."""

    sim: SimClock

    def deliver(self, nudge: Nudge) -> Any:
        with self.sim.working():
            return super().deliver(nudge)


def sim_worker(url: str, sim: SimClock, slack: Any, name: str, per_second: float) -> NudgeWorker:
    repositories = SqlRepositories(url, clock=sim)
    _, _, prompts = load()
    nudges = Nudges(repositories=repositories, prompts=prompts, clock=sim, new_id=lambda: uuid.uuid4().hex)
    delivery = SimDelivery(
        nudges=nudges,
        repositories=repositories,
        messenger=slack,
        compose=lambda _letter: ("words", ()),
        clock=sim,
        owner=name,
        pace=Pace(per_second=per_second),
    )
    delivery.sim = sim
    worker = NudgeWorker(delivery=delivery, nudges=nudges, repositories=repositories, clock=sim)
    delivery.use_wait(sim.sleep)
    return worker


# --- D18 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.fault("D18")
@pytest.mark.timeout(900)
def test_d18_two_replicas_in_a_burst_keep_to_the_rate_of_workspace_and_channel(
    postgres, postgres_template, full: bool, figure
) -> None:
    """Every tenth person has two nudges due at once, as after a snooze."""
    count, limit, name = (1000 if full else 120), 20.0, postgres.create(postgres_template)
    url = postgres.url(name)
    engine = make_engine(url)
    seed(engine, count * 10 // 11, teams=("T1",))
    with engine.begin() as connection:
        for row in connection.execute(rows.select()).mappings().all()[::10]:
            connection.execute(rows.insert(), {**row, "id": f"{row['id']}-again", "period": f"{row['period']}+1"})
        total = len(connection.execute(rows.select()).all())
    engine.dispose()
    sim = SimClock(DUE)
    with recording(now=lambda: sim.now().timestamp()) as recorder:
        workers = [sim_worker(url, sim, messenger(recorder.url), f"r{n}", limit) for n in range(2)]
        _run_out(workers, sim)
        for worker in workers:
            worker._repositories.close()
    postgres.drop(name)
    calls = recorder.of(POST)
    times = sorted(call.at for call in calls)
    by_channel: dict[str, list[float]] = defaultdict(list)
    for call in calls:
        by_channel[call.channel].append(call.at)
    in_channel = max(most_within(sorted(ats), 0.999) for ats in by_channel.values())
    twice = sum(number > 1 for number in recorder.keys().values())
    rate = (len(times) - 1) / (times[-1] - times[0])
    figure(
        f"{total} due, two replicas, limit {limit:.0f}/s: at most {most_within(times, 1.0)} in any second, at most "
        f"{in_channel} a second in a channel, {rate:.1f} a second on average, {total - len(recorder.keys())} lost, {twice} twice"
    )
    assert (total - len(recorder.keys()), twice) == (0, 0)
    assert most_within(times, 1.0) <= 21
    assert in_channel == 1


def _run_out(workers: Sequence[NudgeWorker], sim: SimClock) -> None:
    """All workers side by side until nothing that is due is open."""

    def run(worker: NudgeWorker) -> None:
        while True:
            worker.tick()
            if not worker.health().waiting:
                return
            sim.pass_second()

    threads = [threading.Thread(target=run, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
        assert not thread.is_alive()


# --- 10,000 due in one minute ------------------------------------------------------------------------------------------


@dataclass
class SlowSlack:
    """Takes everything, a third of a second each, as Slack does."""

    sim: SimClock
    times: list[float] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)

    def post(self, _member: Member, _channel: str, *, key: str, **_: Any) -> Sent:
        self.times.append(self.sim.now().timestamp())
        self.keys[key] += 1
        self.sim.sleep(0.3)
        return Sent("sent", ts=f"{len(self.times)}.0")

    def find(self, *_: Any, **__: Any) -> None:
        return None

    def open_dm(self, member: Member) -> str:
        return member.user_id

    def refused(self, _team_id: str) -> bool:
        return False

    def forget_refusal(self, _team_id: str) -> None: ...


@pytest.mark.fault("BURST")
@pytest.mark.timeout(1800)
def test_ten_thousand_due_in_one_minute_go_out_at_the_rate_allowed(full: bool, figure) -> None:
    count, minute = (10_000 if full else 200), 60.0
    with scratch() as folder:
        url = sqlite_url(folder / "coach.db")
        engine = make_engine(url)
        migrate(engine)
        seed(engine, count, teams=("T1",), spread=minute)
        engine.dispose()
        sim = SimClock(DUE)
        slack = SlowSlack(sim)
        allowed = Settings(_env_file=None).sends_per_second
        worker = sim_worker(url, sim, slack, "one", allowed)
        with closing(worker._repositories):
            memory, shown = _watch_memory(slack, count, worker)
            _run_out([worker], sim)
            grown = _resident() - memory[0] if memory else 0.0
    times = sorted(slack.times)
    rate = (len(times) - 1) / (times[-1] - times[0])
    latest = worker.figures.now().latest_seconds
    figure(
        f"{count:,} due in one minute at {allowed:g}/s with 0.3 s an answer: {rate:.3f}/s, {rate / allowed:.1%} of the rate, "
        f"at most {most_within(times, 1.0)} in any second, {count - len(slack.keys)} lost, "
        f"{sum(n > 1 for n in slack.keys.values())} twice; the last {latest / 60:.0f} min late, health said up to "
        f"{max(shown, default=0) / 60:.0f} min; memory {grown:+.0f} MB from the first fifth to the end"
    )
    assert set(slack.keys.values()) == {1}
    assert len(slack.keys) == count
    assert rate / allowed >= 0.95
    assert most_within(times, 1.0) <= allowed
    assert grown < 30
    assert max(shown, default=0.0) > latest / 2


def _watch_memory(slack: SlowSlack, count: int, worker: NudgeWorker) -> tuple[list[float], list[float]]:
    """Note the memory once a fifth is out, and what health says now and then."""
    memory: list[float] = []
    shown: list[float] = []
    post = slack.post

    def watched(*args: Any, **more: Any) -> Sent:
        if not memory and len(slack.times) >= count // 5:
            memory.append(_resident())
        if len(slack.times) % (count // 10) == 0:
            shown.append(worker.health().late_by.total_seconds())
        return post(*args, **more)

    slack.post = watched  # type: ignore[method-assign]  # this one only
    return memory, shown


def _resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


# --- idle ----------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("IDLE")
@pytest.mark.timeout(600)
def test_an_idle_bot_with_ten_thousand_subscribers_uses_next_to_nothing(tmp_path: Path, full: bool, figure) -> None:
    """The whole bot, as `isp-coach run` starts it, connected over Socket Mode; its own processor time by the kernel."""
    seconds = 60.0 if full else 6.0
    INDEX.mkdir(exist_ok=True)
    (tmp_path / "index").symlink_to(INDEX, target_is_directory=True)
    engine = make_engine(sqlite_url(DataFolder(tmp_path).database_path))
    migrate(engine)
    with Sandbox() as sandbox:
        sandbox.install(manifest(Settings(_env_file=None)))
        seed(engine, 10_000, due=sandbox.clock.now() + timedelta(days=365))
        engine.dispose()
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                "SLACK_BOT_TOKEN": sandbox.bot_token,
                "SLACK_APP_TOKEN": sandbox.app_token,
                "ISP_COACH_SLACK_API_URL": sandbox.api_url,
                "ISP_COACH_DATA_DIR": str(tmp_path),
                "ISP_COACH_EMBEDDINGS": "builtin",
            },
        )
        try:
            assert process.stdout is not None
            while "is ready" not in (line := process.stdout.readline()):
                assert line, "the bot ended"
            time.sleep(5.0 if full else 2.0)  # until what comes right after the start is over
            before = _processor(process.pid)
            time.sleep(seconds)  # the measurement
            share = (_processor(process.pid) - before) / seconds
        finally:
            process.terminate()
            process.communicate(timeout=60)
    figure(f"idle with 10,000 subscribers: {share:.2%} of a core over {seconds:.0f} s")
    assert share < (0.01 if full else 0.05)


def _processor(pid: int) -> float:
    """Seconds of processor time of a process, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
