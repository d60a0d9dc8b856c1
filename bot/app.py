"""The composition root: the only place that knows which part is made of what.

Heavy parts are imported where they are first needed, so that the page, `--help` and errors come at once.
"""

from __future__ import annotations

import functools
import hashlib
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.distress import outright
from bot.core.errors import CoachError, IndexNotReady, SettingsError
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.adapters.document_store import DocumentFolder
    from bot.adapters.health import Health
    from bot.adapters.retrieval import IndexPlace, IndexSource, SealedIndex
    from bot.adapters.web import WebServer
    from bot.core.answer import Answer, Question, Turn
    from bot.core.conversation import Route
    from bot.core.framework import Knowledge, Passage
    from bot.core.ingest import IngestReport, StoredDocument
    from bot.core.portrait import Portrait
    from bot.core.records import Member
    from bot.core.support import Support
    from bot.core.triage import Triage
    from bot.core.wording import Wording
    from bot.ports import Clock, Metrics, Model, NudgeRepository, Repositories, Stop
    from bot.services.coach import Coach
    from bot.services.model_budget import ModelBudget
    from bot.services.nudge_worker import NudgeWorker
    from bot.services.nudges import Nudges
    from bot.services.second_opinion import SecondOpinion
    from bot.services.selfchecks import SelfChecks
    from bot.services.speaking import SpeakingCoach
    from bot.slack.bolt import SlackApp

log = structlog.get_logger()

_AGAIN = 5.0  # seconds between two tries to load the coach

Progress = Callable[[str, int, int], None]
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Content:
    """The content of these settings, read when first needed."""

    settings: Settings

    @cached_property
    def root(self) -> Path:
        """The folder that holds knowledge/ and prompts/."""
        from bot.adapters.content import content_root

        return content_root(self.settings)

    @cached_property
    def knowledge(self) -> Knowledge:
        """The framework and the paper's statements."""
        from bot.adapters.content import load_knowledge

        return load_knowledge(self.root)

    @cached_property
    def wording(self) -> Wording:
        """What the bot says."""
        from bot.adapters.content import load_wording

        return load_wording(self.root)

    @cached_property
    def documents(self) -> DocumentFolder:
        """The ingested documents of the data folder."""
        from bot.adapters.data_folder import DataFolder
        from bot.adapters.document_store import DocumentFolder

        return DocumentFolder(DataFolder(self.settings.data_dir).path / "documents")

    def index_source(self) -> IndexSource:
        """Everything that an index is built from, as it is now."""
        from bot.adapters import content, retrieval

        stored = self.documents.all()
        marks = "\n".join(f"{d.key} {d.digest} {d.tenant}" for d in stored)
        return retrieval.IndexSource(
            knowledge=self.knowledge,
            read_exemplars=partial(content.load_exemplars, self.root),
            content_digest=content.content_digest(self.root),
            documents=tuple(p for d in stored for p in d.passages),
            documents_digest=hashlib.sha256(marks.encode()).hexdigest() if stored else "",
        )

    def index_place(self) -> IndexPlace:
        """Where the index lies."""
        from bot.adapters.data_folder import DataFolder
        from bot.adapters.retrieval import IndexPlace

        settings = self.settings
        root = DataFolder(settings.data_dir).index_root
        return IndexPlace(root, settings.embeddings, settings.minilm_dir, settings.chroma_url)

    def open_index(self, progress: Progress | None = None) -> SealedIndex:
        """The sealed index for this content, documents and embeddings; built where it is missing."""
        from bot.adapters.retrieval import open_or_build

        return open_or_build(self.index_source(), self.index_place(), progress)

    def coach(self, index: SealedIndex) -> Coach:
        """A coach on this content and an open index, without a model."""
        from bot.services.coach import Coach

        return Coach(self.knowledge, self.wording, index, index, index, support_line=self.settings.support_line)

    def support(self) -> Support:
        """The check of a model's sentences against the passages; no index is needed for it."""
        from bot.adapters.meaning import PassageMeaning
        from bot.core.support import Support

        passages = self.knowledge.passages()
        return Support(self.knowledge, passages, PassageMeaning(passages))

    def _second_opinion(self) -> SecondOpinion:
        from bot.services.second_opinion import SecondOpinion

        return SecondOpinion(seconds=self.settings.model_check_seconds, whole=self.settings.model_timeout)

    def any_coach(
        self, index: SealedIndex, *, model: Model | None = None, budget: ModelBudget | None = None
    ) -> Coach | SpeakingCoach:
        """A coach with the model of the settings, or a given one, to speak for it; without any the plain coach."""
        local = self.coach(index)
        if model is None and not self.settings.model:
            return local
        from bot.adapters.generation import open_model
        from bot.adapters.model_prompts import load_prompts
        from bot.services.speaking import Speaker, SpeakingCoach

        speaker = Speaker(
            model=model or open_model(self.settings),
            prompts=load_prompts(self.root),
            support=self.support(),
            budget=budget,
            triage=self.settings.model_triage,
            second=None if model is not None or self.settings.model_check == "local" else self._second_opinion(),
        )
        return SpeakingCoach(local, index, speaker)


def open_coach(settings: Settings, *, progress: Progress | None = None) -> Coach:
    """A coach that only reads: no database, no lock; it may stand beside a running bot. No model speaks for it."""
    content = Content(settings)
    return content.coach(content.open_index(progress))


def open_any_coach(
    settings: Settings, *, model: Model | None = None, progress: Progress | None = None
) -> Coach | SpeakingCoach:
    """The same, with the model of the settings or a given one to speak for it."""
    content = Content(settings)
    return content.any_coach(content.open_index(progress), model=model)


def open_support(
    settings: Settings, *, progress: Progress | None = None
) -> tuple[Support, Callable[[str], Passage | None]]:
    """The support check of model mode with a look-up of passages, to be scored by itself."""
    content = Content(settings)
    index = content.open_index(progress)
    support = content.support()
    return support, lambda passage_id: index.passage(passage_id, tenant="*")


def ingest(settings: Settings, source: str, tenant: str, progress: Progress) -> IngestReport:
    """Ingest a document and build the index anew with it. Raises DataFolderInUse while the bot runs on this folder."""
    from bot.adapters.data_folder import DataFolder

    with DataFolder(settings.data_dir).serve_lock("adding a document"):  # before the heavy parts: who waits is told
        from bot.adapters.content import load_locators
        from bot.adapters.documents.reader import SourceReader
        from bot.services.ingest import Ingest

        content = Content(settings)
        service = Ingest(
            reader=SourceReader(),
            store=content.documents,
            known=load_locators(content.root),
            title_of=content.knowledge.title,
            rebuild=lambda tell: content.open_index(tell).close(),
        )
        return service.ingest(source, tenant=tenant, progress=progress)


@contextmanager
def open_nudges(content: Content) -> Iterator[tuple[Nudges, NudgeRepository]]:
    """The nudges without Slack and worker, for looking at beside a running bot."""
    from bot.adapters.clock import SystemClock
    from bot.adapters.prompt_files import load_reflections
    from bot.adapters.storage.repositories import SqlRepositories
    from bot.services.nudges import Nudges

    clock, repositories = SystemClock(), SqlRepositories.open(content.settings)
    try:
        prompts = load_reflections(content.root, content.knowledge)
        yield (
            Nudges(repositories=repositories, prompts=prompts, clock=clock, new_id=lambda: uuid.uuid4().hex),
            repositories.nudges,
        )
    finally:
        repositories.close()


def rebuild_index(settings: Settings, progress: Progress) -> None:
    """Build the index anew, whatever is stored. Raises DataFolderInUse while the bot runs on this folder."""
    from bot.adapters.data_folder import DataFolder
    from bot.adapters.forgetting import drop_one
    from bot.adapters.retrieval import fingerprint

    content = Content(settings)
    with DataFolder(settings.data_dir).serve_lock("building the index anew"):
        place = content.index_place()
        drop_one(place, fingerprint(content.index_source(), place))
        content.open_index(progress).close()


def forget_document(settings: Settings, unit: str, progress: Progress) -> int:
    """Take a document out of the store and build the index without it; how many copies there were.

    Every other index folder goes: a deleted vector stays in the files of the index that it was deleted from. Raises
    DataFolderInUse while the bot runs on this folder, DocumentError where there is no such document.
    """
    from bot.adapters.data_folder import DataFolder

    with DataFolder(settings.data_dir).serve_lock("removing a document"):
        return _forget(Content(settings), lambda document: unit in {document.unit, document.key}, progress)


def _forget(content: Content, gone: Callable[[StoredDocument], bool], progress: Progress) -> int:
    from bot.adapters.forgetting import drop_others
    from bot.core.errors import DocumentError

    removed = content.documents.remove_all(gone)
    if not removed:
        raise DocumentError("There is no such document; `isp-coach doctor` lists those that are there.")
    fresh = Content(content.settings)  # a content remembers its documents
    index = fresh.open_index(progress)
    try:
        drop_others(fresh.index_place(), index.fingerprint)
    finally:
        index.close()
    return removed


class LateCoach:
    """A coach that loads behind the page: until then it says that it isn't ready, and why where it can't be."""

    patience = 30.0  # seconds that answers under way may still use an index that is replaced

    def __init__(self, content: Content, metrics: Metrics, budget: ModelBudget | None = None) -> None:
        self._content, self._metrics, self._budget = content, metrics, budget
        self._coach: Coach | SpeakingCoach | None = None
        self._index: SealedIndex | None = None
        self._loading = threading.Lock()

    def load(self, progress: Progress | None = None) -> None:
        """Open or build the index; from then on the coach answers."""
        from bot.adapters.forgetting import drop_forgotten

        with self._loading:
            content = self._content
            self._index = content.open_index(progress)
            self._coach = content.any_coach(self._index, budget=self._budget)
            drop_forgotten(content.index_place(), self._index.fingerprint, content.documents.all())

    def forget(self, team_id: str) -> bool:
        """Answer without a workspace's documents from now on, and leave none of them in any index.

        The store must have let go of them before. False where nothing was loaded: the next load builds from what the
        store has.
        """
        from bot.adapters.forgetting import drop_workspace

        with self._loading:
            before = self._index
            if before is None:
                return False
            content = Content(self._content.settings)  # a content remembers its documents
            index = content.open_index()
            self._coach, self._index = content.any_coach(index, budget=self._budget), index
            self._content = content
            if index.fingerprint != before.fingerprint:
                time.sleep(self.patience)
                before.close()
            drop_workspace(content.index_place(), index.fingerprint, team_id, content.documents.all())
            return True

    @property
    def speaking(self) -> SpeakingCoach | None:
        """The coach with its model, where one speaks; None also while the index is being built."""
        from bot.services.speaking import SpeakingCoach

        return self._coach if isinstance(self._coach, SpeakingCoach) else None

    @property
    def knowledge(self) -> Knowledge:
        """The content is there from the start."""
        return self._content.knowledge

    def ask(
        self,
        question: Question,
        *,
        hear: Callable[[str], None] | None = None,
        stop: Stop | None = None,
    ) -> Answer:
        """See Coach; with a model `hear` gets the answer piece by piece, and `stop` may end it."""
        ready = self._ready()
        speaking = self.speaking
        if speaking is None or hear is None or stop is None:
            answer = ready.ask(question)
        else:
            answer = speaking.ask(question, hear=hear, stop=stop)
        self._metrics.asked(answer.outcome, answer.mode, answer.fallback, answer.latency_ms / 1000)
        return answer

    def triage(self, text: str, *, asker: Member | None = None) -> Triage:
        """See Coach."""
        ready = self._ready()
        speaking = self.speaking
        triage = speaking.triage(text, asker=asker) if speaking else ready.triage(text)
        self._metrics.triaged(triage.outcome, triage.mode, triage.latency_ms / 1000)
        return triage

    def route(self, text: str, history: Sequence[Turn] = ()) -> Route:
        """See Coach."""
        return self._ready().route(text, history)

    def in_distress(self, text: str) -> bool:
        """See Coach; before it is ready, what stands in plain words decides: nobody waits for care."""
        return outright(text) if self._coach is None else self._coach.in_distress(text)

    def passage(self, passage_id: str, tenant: str) -> Passage | None:
        """See Coach."""
        return self._ready().passage(passage_id, tenant)

    @property
    def ready(self) -> bool:
        """True once the coach answers."""
        return self._coach is not None

    @property
    def complete(self) -> bool:
        """True while passages are found by meaning, too; False while the Chroma server is away."""
        return self._coach is not None and self._coach.complete

    def _ready(self) -> Coach | SpeakingCoach:
        if self._coach is None:
            raise IndexNotReady("I'm still reading my sources.")
        return self._coach


class LatePainter:
    """Loads the drawing library with the first picture: most people never ask for one."""

    def draw(self, portrait: Portrait) -> bytes:
        """See Painter."""
        from bot.adapters.portraits import draw

        return draw(portrait)


class Bot:
    """The bot: storage, coach, features, Slack and what watches it, started and stopped together."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, repositories: Repositories | None = None
    ) -> None:
        from bot.adapters.clock import SystemClock
        from bot.adapters.metrics import PrometheusMetrics
        from bot.adapters.storage.repositories import SqlRepositories
        from bot.slack.bolt import build_slack

        self._settings = settings
        self.content = Content(settings)
        self.clock = clock or SystemClock()
        self.metrics = PrometheusMetrics()
        self._check_model()
        self.repositories = repositories or SqlRepositories.open(settings, clock=self.clock)
        self.coach = LateCoach(self.content, self.metrics, self._budget())
        self.selfchecks, self.nudges = self._features()
        self.slack: SlackApp = build_slack(
            settings,
            coach=self.coach,
            repositories=self.repositories,
            clock=self.clock,
            wording=self.content.wording,
            selfchecks=self.selfchecks,
            nudges=self.nudges,
            speaking=self.coach if settings.model else None,
            painter=LatePainter(),
            metrics=self.metrics,
            forget_documents=self.forget_documents,
        )
        self.worker = self._nudge_worker()
        self.health = self._health()
        self.servers: list[WebServer] = []

    def _check_model(self) -> None:
        """Raise at the start what would else be found out at the first question: a missing package, a broken prompt."""
        if self._settings.model:
            from bot.adapters.generation import open_model
            from bot.adapters.model_prompts import load_prompts

            load_prompts(self.content.root)
            open_model(self._settings)

    def _budget(self) -> ModelBudget:
        from bot.services.model_budget import Limits, ModelBudget

        s = self._settings
        limits = Limits(s.model_person_tokens, s.model_team_tokens, s.model_person_calls, s.model_team_calls)
        name = s.model or ""
        spent = functools.partial(self.metrics.spent, name)
        return ModelBudget(self.repositories.usage, self.clock, limits, spent)

    def _features(self) -> tuple[SelfChecks, Nudges]:
        from bot.adapters.prompt_files import load_descriptors, load_reflections
        from bot.services.nudges import Nudges
        from bot.services.selfchecks import SelfChecks

        content, knowledge = self.content, self.content.knowledge
        checks = SelfChecks(
            knowledge=knowledge,
            descriptors=load_descriptors(content.root, knowledge),
            repositories=self.repositories,
            clock=self.clock,
        )
        nudges = Nudges(
            repositories=self.repositories,
            prompts=load_reflections(content.root, knowledge),
            clock=self.clock,
            new_id=lambda: uuid.uuid4().hex,
        )
        checks.after_check = nudges.check_done
        return checks, nudges

    def _nudge_worker(self) -> NudgeWorker:
        from bot.services.delivery import Delivery, Pace
        from bot.services.nudge_worker import NudgeWorker
        from bot.slack.reflect import composer

        settings = self._settings
        delivery = Delivery(
            nudges=self.nudges,
            repositories=self.repositories,
            messenger=self.slack.messenger,
            compose=composer(self.content.knowledge, self.content.wording),
            clock=self.clock,
            owner=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
            pace=Pace(per_second=settings.sends_per_second, cutoff=timedelta(hours=settings.nudge_cutoff_hours)),
        )
        worker = NudgeWorker(delivery=delivery, nudges=self.nudges, repositories=self.repositories, clock=self.clock)
        self.nudges.wake = worker.wake
        self.slack.on_connected = worker.reconnected
        return worker

    def forget_documents(self, team_id: str) -> None:
        """Take a workspace's documents out: of the store now, of the index and its files behind the answers' back.

        Raises DocumentError where the store can't be written. Where the process ends too early, the next start does
        the rest.
        """
        if self.content.documents.remove_all(lambda document: document.tenant == team_id):
            thread = threading.Thread(target=self._forget_in_index, args=(team_id,), name="forget", daemon=True)
            thread.start()

    def _forget_in_index(self, team_id: str) -> None:
        try:
            self.coach.forget(team_id)
        except CoachError as error:  # such as a Chroma server that is away
            log.error("documents.left_in_index", error=type(error).__name__)  # noqa: TRY400 - the type says it
        else:
            log.info("documents.forgotten")

    def _health(self) -> Health:
        from bot.adapters.health import Health, State

        def database() -> State:
            self.repositories.ping()
            return State(ok=True, detail="takes writes")

        def index() -> State:
            ready, complete = self.coach.ready, self.coach.complete
            return State(ok=ready, detail="being read" if not ready else "ready" if complete else "by words only")

        def slack() -> State:
            connected, mode = self.slack.connected, self._settings.slack_mode
            return State(ok=connected, detail=f"{mode}, {'connected' if connected else 'not connected'}")

        def nudges() -> State:
            health = self.worker.health()
            late = f"{health.waiting} waiting, the oldest {health.late_by.total_seconds():.0f} s late"
            return State(ok=health.ok, detail=health.problem or late, vital=False)

        self.metrics.watch(nudges=lambda: self.worker.figures.now().outcomes, levels=self._levels)
        return Health({"database": database, "index": index, "slack": slack, "nudges": nudges})

    def _levels(self) -> dict[str, float]:
        nudges = self.worker.health()
        return {
            "answers_waiting": self.slack.slow.waiting,
            "clicks_waiting": self.slack.quick.waiting,
            "nudges_waiting": nudges.waiting,
            "nudges_latest_seconds": nudges.late_by.total_seconds(),
            "index_ready": self.coach.ready,
            "index_complete": self.coach.complete,
            "slack_connected": self.slack.connected,
        }

    def start(self) -> None:
        """Connect to Slack; messages are taken in from here on, and answered once the coach is loaded.

        Raises SettingsError where an address can't be listened on.
        """
        from bot.adapters.health import health_app
        from bot.adapters.web import WebServer

        settings = self._settings
        if settings.health_port is not None:
            app, at = health_app(self.health, self.metrics.exposition), settings.health_host
            self._serve(WebServer(app, host=at, port=settings.health_port, setting="ISP_COACH_HEALTH_PORT"))
        self.slack.start()
        if self.slack.http is not None:
            at = settings.http_host
            self._serve(WebServer(self.slack.http, host=at, port=settings.http_port, setting="ISP_COACH_HTTP_PORT"))
        self.worker.start()

    def _serve(self, server: WebServer) -> None:
        server.start()
        self.servers.append(server)

    def stop(self) -> None:
        """Let answers and sends under way finish and close everything."""
        for server in reversed(self.servers):  # Slack's requests end first; health is told to the last
            server.stop()
        self.health.close()
        self.worker.stop()
        self.slack.stop()
        self.repositories.close()


def serve_slack(settings: Settings, announce: Announce) -> None:
    """Run in the workspace of the tokens until a signal to stop. Raises DataFolderInUse where another bot runs."""
    from bot.adapters.data_folder import DataFolder

    with DataFolder(settings.data_dir).serve_lock("running the bot"), ExitStack() as stack:
        stop = _stop_on_signals(stack)
        bot = Bot(settings)
        stack.callback(bot.stop)
        bot.start()
        announce("Connected to Slack. The coach is reading its sources …")
        if _load(bot, stop, announce):
            announce("The coach is ready. Stop it with Ctrl-C.")
        stop.wait()


def _load(bot: Bot, stop: threading.Event, announce: Announce) -> bool:
    """Load the coach, also where its Chroma server comes up later; False where the bot was stopped before."""
    while not stop.is_set():
        try:
            bot.coach.load()
        except IndexNotReady as error:
            announce(f"{error} Trying again in {_AGAIN:.0f} seconds.")
            stop.wait(_AGAIN)
        else:
            return True
    return False


def serve_sandbox(settings: Settings, announce: Announce) -> None:
    """Run in the local stand-in for Slack until a signal to stop: the page is up at once, the bot loads behind it.

    Raises DataFolderInUse where another bot runs, and SettingsError where the port is taken.
    """
    from bot.adapters.data_folder import DataFolder

    with DataFolder(settings.data_dir).serve_lock("running the sandbox"), ExitStack() as stack:
        from bot.sandbox.server import Sandbox, SandboxStartError

        stop = _stop_on_signals(stack)
        try:
            sandbox = stack.enter_context(Sandbox(host=settings.sandbox_host, port=settings.sandbox_port))
        except SandboxStartError as error:
            raise SettingsError(str(error)) from error
        announce(f"ISP Coach sandbox: {sandbox.url}")
        announce("A local stand-in for Slack; nothing leaves this machine. Stop it with Ctrl-C.")
        loader = threading.Thread(
            target=_load_into, args=(sandbox, settings, stack, announce, stop), name="load", daemon=True
        )
        loader.start()
        stop.wait()
        loader.join(timeout=60)  # a bot half built is finished first, so that it can be stopped


def _load_into(sandbox: Any, settings: Settings, stack: ExitStack, announce: Announce, stop: threading.Event) -> None:
    """Build the bot against the sandbox and report on the page how far it is."""
    try:
        bot = connect_to(sandbox, settings)
        stack.callback(bot.stop)
        bot.start()
        bot.coach.load(lambda step, done, total: sandbox.set_bot_status("starting", f"{step} ({done} of {total})"))
    except CoachError as error:
        sandbox.set_bot_status("failed", str(error))
        announce(str(error))
        stop.set()
    except Exception:
        log.exception("sandbox.failed")
        sandbox.set_bot_status("failed", "The coach could not start; the terminal says why.")
    else:
        sandbox.set_bot_status("ready")
        announce("The coach is ready.")


def connect_to(sandbox: Any, settings: Settings, **overrides: Any) -> Bot:
    """A bot for a running sandbox: its app is installed there, its addresses, tokens and clock are the sandbox's."""
    from pydantic import SecretStr

    from bot.slack.manifest import manifest

    local = settings.model_copy(
        update={
            "slack_bot_token": SecretStr(sandbox.bot_token),
            "slack_app_token": SecretStr(sandbox.app_token),
            "slack_api_url": sandbox.api_url,
            "slack_mode": "socket",
        }
    )
    sandbox.install(manifest(local))
    bot = Bot(local, clock=sandbox.clock, **overrides)
    sandbox.next_nudge = bot.repositories.nudges.next_due
    return bot


def _stop_on_signals(stack: ExitStack) -> threading.Event:
    """An event that Ctrl-C and a request to terminate set; the earlier handlers come back at the end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.signal(number, lambda *_: stop.set())
        stack.callback(signal.signal, number, before)
    return stop
