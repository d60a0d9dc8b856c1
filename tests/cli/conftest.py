"""A small coach with the real one's face, and a way to run the command line in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

import pytest

from bot.cli import faults, main
from bot.core.answer import Answer, Citation, PassageScore, Question
from bot.core.conversation import Route
from bot.core.framework import COMPETENCIES, FUNCTIONS, Passage
from bot.core.triage import NextStep, Settling, Triage


class FakeCoach:
    """Answers everything from C4, triages by one word, and fails on demand."""

    knowledge = SimpleNamespace(title=lambda code: f"Title of {code}")

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.failure: BaseException | None = None

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.failure is not None:
            raise self.failure
        if not question.text.strip():
            return Answer(
                question=question.text, standalone_question="", answer="Ask me something.", outcome="out_of_scope"
            )
        return Answer(
            question=question.text,
            standalone_question=question.text,
            answer="Barriers stand in the way [1]. **Facilitators** help [2].",
            outcome="answered",
            citations=(
                Citation(
                    marker=1,
                    unit="C4",
                    passage_id="C4/definition",
                    title="Assess",
                    quote="Ours.",
                    verbatim=False,
                    source="framework",
                ),
                Citation(
                    marker=2,
                    unit="C4",
                    passage_id="C4/equity",
                    title="Assess",
                    quote="Theirs.",
                    verbatim=True,
                    source="white-paper",
                ),
            ),
            passages=(PassageScore(unit="C4", passage_id="C4/definition", score=0.9),),
            coach_question="Who has not been asked yet?",
        )

    def triage(self, text: str) -> Triage:
        if self.failure is not None:
            raise self.failure
        close = "close" in text
        none = "lunch" in text
        ranking = tuple(
            (code, 0.55 if n == 0 else 0.05) for n, code in enumerate(("C4", *(c for c in COMPETENCIES if c != "C4")))
        )
        return Triage(
            outcome="close_call" if close else "none" if none else "match",
            competency=None if none else "C4",
            confidence=0.55,
            ranking=ranking,
            functions=tuple((code, 0.5) for code in FUNCTIONS),
            p_none=0.9 if none else 0.02,
            level="advanced",
            why=("barrier",),
            next=NextStep(question="What stands in the way?", read=("C4/activities",), self_check="C4"),
            ask_back="Is it the problem or the barrier?" if close else None,
            settling=Settling(question="Which?", options=(("C2", "The problem"), ("C4", "The barrier")))
            if close
            else None,
        )

    def route(self, text: str, history: object = ()) -> Route:
        intents = {"what can you do": "help", "hello": "smalltalk", "check me": "selfcheck"}
        intent = "triage" if "we " in text else intents.get(text, "ask")
        return Route(intent, 0.9, subject="greeting" if text == "hello" else None)

    def passage(self, passage_id: str, tenant: str) -> Passage | None:
        if passage_id != "C4/definition":
            return None
        return Passage(
            id=passage_id,
            unit="C4",
            part="definition",
            title="Assess",
            heading="What it is",
            sentences=("Whole.",),
            source="framework",
        )


@dataclass
class Ran:
    """How a command ended."""

    status: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()


@dataclass
class FakeApp:
    """Stands in for the composition root."""

    coach: FakeCoach = field(default_factory=FakeCoach)
    served: list[str] = field(default_factory=list)
    failure: BaseException | None = None
    report: object = None

    def module(self) -> ModuleType:
        module = ModuleType("bot.app")
        for name in ("open_coach", "open_any_coach", "serve_sandbox", "serve_slack", "ingest"):
            setattr(module, name, getattr(self, name))
        return module

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def open_coach(self, settings: object, *, progress: Callable[[str, int, int], None] | None = None) -> FakeCoach:
        self._fail()
        if progress is not None:
            progress("opening", 1, 1)
        return self.coach

    def open_any_coach(
        self, settings: object, *, model: object = None, progress: Callable[[str, int, int], None] | None = None
    ) -> FakeCoach:
        return self.open_coach(settings, progress=progress)

    def serve_sandbox(self, settings: object, announce: Callable[[str], None]) -> None:
        self._fail()
        self.served.append("sandbox")
        announce("ISP Coach is at http://127.0.0.1:8765")

    def serve_slack(self, settings: object, announce: Callable[[str], None]) -> None:
        self._fail()
        self.served.append("slack")
        announce("Connected.")

    def ingest(self, settings: object, source: str, tenant: str, progress: object) -> object:
        self._fail()
        self.served.append(f"{source} for {tenant}")
        return self.report


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> FakeApp:
    """The fake root in place, in an empty folder, with a data folder of its own."""
    fake = FakeApp()
    monkeypatch.setitem(sys.modules, "bot.app", fake.module())
    monkeypatch.chdir(str(tmp_path))
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ISP_COACH_DATA_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(faults, "_state", {"verbose": False, "data_dir": None})
    return fake


@pytest.fixture
def run(app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run `isp-coach` with arguments and bytes on standard input."""

    def running(*args: str, stdin: bytes = b"") -> Ran:
        out, err = io.BytesIO(), io.BytesIO()
        monkeypatch.setattr(sys, "argv", ["isp-coach", *args])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True))
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8", write_through=True))
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("TERM", "dumb")
        status = 0
        try:
            main()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return Ran(status, out.getvalue(), err.getvalue().decode())

    return running
