"""The thread that delivers nudges in a replica: what is claimed when, by how many at once, and how it is doing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from datetime import datetime, timedelta

import structlog

from bot.core.errors import CoachError
from bot.core.records import Nudge
from bot.ports import Clock, Repositories
from bot.services.delivery import Delivery
from bot.services.figures import DeliveryHealth
from bot.services.nudges import Nudges

log = structlog.get_logger()

_GLANCE = 0.5  # seconds until the table is looked at again, where what is due can't be had yet
_STUCK = timedelta(minutes=5)  # without a look at the table is trouble


class NudgeWorker:
    """The thread that delivers what is due, and plans what comes. `start` and `stop` it; `wake` it any time."""

    def __init__(
        self,
        *,
        delivery: Delivery,
        nudges: Nudges,
        repositories: Repositories,
        clock: Clock,
        threads: int = 4,
        poll_seconds: float = 15.0,
        plan_every: timedelta = timedelta(hours=1),
    ) -> None:
        self._delivery, self._nudges, self._rows, self._clock = delivery, nudges, repositories.nudges, clock
        self._repositories = repositories
        self._threads, self._poll, self._plan_every = threads, poll_seconds, plan_every
        self._stopping, self._bell = threading.Event(), threading.Event()
        self._planned: datetime | None = None
        self._thread: threading.Thread | None = None
        self._end_clock_news: Callable[[], None] = lambda: None
        self.figures = delivery.figures
        self._looked: datetime | None = None
        self._trouble: str | None = None
        self._delivery.use_wait(lambda seconds: not self._stopping.wait(seconds))
        self._nudges.wake = self.wake

    def start(self) -> None:
        """Begin. A clock that can be moved (the sandbox's) wakes the worker when it is."""
        listen = getattr(self._clock, "on_change", None)
        if listen is not None:
            self._end_clock_news = listen(self.wake)
        self._thread = threading.Thread(target=self._run, name="nudges", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> None:
        """Finish the sends under way and end; what is claimed and unsent is taken up once its lease lapses."""
        self._stopping.set()
        self._bell.set()
        self._end_clock_news()
        if self._thread is not None:
            self._thread.join(timeout)

    def wake(self) -> None:
        """Look at once."""
        self._bell.set()

    def reconnected(self, team_id: str) -> None:
        """A workspace has a token that works: what a dead one stopped goes on. Never raises."""
        try:
            self._delivery.reconnected(team_id)
        except CoachError as error:  # the database is away; people's next nudges are planned within the hour anyway
            log.warning("nudges.not_reopened", team=team_id, error=type(error).__name__)
        self.wake()

    def tick(self) -> Counter[str]:
        """Plan where that is due, and deliver all that is due now; outcomes counted."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="nudge") as pool:
            return self._tick(pool)

    def _tick(self, pool: ThreadPoolExecutor) -> Counter[str]:
        now, counts = self._clock.now(), Counter[str]()
        if self._planned is None or not timedelta() <= now - self._planned < self._plan_every:
            self._nudges.plan_all()
            self._planned = now
        under_way: set[Future[str]] = set()
        try:
            while more := self._claim(pool, under_way) or under_way:
                done, under_way = wait_for(more, timeout=_GLANCE, return_when=FIRST_COMPLETED)
                counts.update(future.result() for future in done)
        finally:
            wait_for(under_way)
        return counts

    def _claim(self, pool: ThreadPoolExecutor, under_way: set[Future[str]]) -> set[Future[str]]:
        """What is under way, with new rows where the threads are about to run out: the rate knows no gaps."""
        if self._stopping.is_set() or len(under_way) > self._threads:
            return under_way
        claimed = self._delivery.claim()
        self._looked, self._trouble = self._clock.now(), None
        return under_way | {pool.submit(self._safely, nudge) for nudge in claimed}

    def _safely(self, nudge: Nudge) -> str:
        try:
            return self._delivery.give_back(nudge) if self._stopping.is_set() else self._delivery.deliver(nudge)
        except Exception as error:  # noqa: BLE001 - one row's trouble must not hold up the others; its lease lapses
            log.error("nudge.broken", nudge=nudge.id, error=type(error).__name__)  # noqa: TRY400 - a trace may hold words
            self.figures.count("broken", nudge.kind)
            return "broken"

    def _run(self) -> None:
        with ThreadPoolExecutor(self._threads, thread_name_prefix="nudge") as pool:
            while not self._stopping.is_set():
                self._bell.clear()
                pause = self._poll
                try:
                    delivered = self._tick(pool)
                    pause = self._until_next(idle=not delivered)
                except Exception as error:  # noqa: BLE001 - the database may be away for a while; the worker outlives it
                    self._trouble = str(error) if isinstance(error, CoachError) else type(error).__name__
                    log.error("nudges.tick_failed", error=type(error).__name__)  # noqa: TRY400 - as above
                self._bell.wait(pause)

    def _until_next(self, *, idle: bool) -> float:
        due = self._rows.next_due()
        if due is None:
            return self._poll
        seconds = (due - self._clock.now()).total_seconds()
        # Due, and yet nothing could be claimed: its workspace is on hold, or its conversation rests.
        return min(max(seconds, _GLANCE if idle and seconds <= 0 else 0.05), self._poll)

    # --- how it is ---

    def health(self) -> DeliveryHealth:
        """Whether what is due goes out. Never raises: a database that can't be used is what it tells."""
        now, trouble = self._clock.now(), self._trouble
        try:
            self._repositories.ping()
            backlog = self._rows.backlog(now=now)
        except CoachError as error:
            return DeliveryHealth(False, 0, None, timedelta(), self._looked, str(error))
        late_by = now - backlog.oldest if backlog.oldest else timedelta()
        if trouble is None and self._thread is not None and self._looked is not None and now - self._looked > _STUCK:
            trouble = "The table of due rows has not been looked at for some minutes."
        return DeliveryHealth(trouble is None, backlog.waiting, backlog.oldest, late_by, self._looked, trouble)
