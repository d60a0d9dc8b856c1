"""The second opinion: only what is in doubt is asked about, in one call; facts are never up for discussion."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bot.core.answer import Answer, PassageScore, Question
from bot.core.checking import DraftCheck, Held
from bot.core.drafts import ModelRequest, Sentence, Usage, read_verdicts
from bot.core.errors import ModelFailed
from bot.core.support_weights import BAR, HIGH, LOW
from bot.ports import Stop
from bot.services.second_opinion import SecondOpinion
from bot.services.speaking import Speaker, SpeakingCoach
from tests.fakes.model_server import line

QUESTION = Question(text="What gets in the way of teams using a new program?")
SOURCE = ("C4/why-assess",)
HOPELESS = "Fire everyone who complains about the budget of the parking lot."


@pytest.fixture
def check(support, knowledge, prompts):
    given = {p.id: p for p in knowledge.passages() if p.unit == "C4"}
    return DraftCheck(support, given, QUESTION.text, prompts["answer"].fingerprints())


def in_doubt(check: DraftCheck) -> Held:
    """A sentence of which the check alone isn't sure, whatever it has learned."""
    tries = (
        "Get your colleagues to see why barriers are worth a look.",
        "A team is quicker to act on hurdles once it knows what they cost.",
        "Explain to your ward what it gains by looking into hurdles.",
        "Make the case to your people for looking into what trips them up.",
        "Your people should know what a look at barriers is good for.",
    )
    held = [h for t in tries for p in check.given if isinstance(h := check.weigh(Sentence(t, (p,))), Held)]
    assert held
    return held[0]


def test_the_grey_zone_lies_around_the_bar() -> None:
    assert 0 < LOW < BAR < HIGH < 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"1": "yes", "2": "no"}', {1: True, 2: False}),
        ('Here: ```json\n{"2": "yes"}\n```', {2: True}),
        ('{"1": "maybe", "2": true, "3": "yes"}', {}),
        ("yes", {}),
        ('["yes", "no"]', {}),
        ("{" * 2000, {}),
        ("", {}),
    ],
)
def test_only_a_plain_yes_or_no_is_a_verdict(text: str, found: dict[int, bool]) -> None:
    assert read_verdicts(text, 2) == found


def test_a_verdict_lets_a_sentence_in_doubt_pass_or_cuts_it_and_without_one_the_check_decides(check) -> None:
    held = in_doubt(check)
    assert check.settle(held, supported=True) is held.passed
    assert check.settle(held, supported=False) is None
    assert check.cut["second opinion"] == 1
    assert (check.settle(held, supported=None) is None) == bool(held.reason)


@pytest.mark.parametrize(
    "text",
    [
        "There are 17 barriers that hinder and help.",
        "At the advanced level you show your team why barriers matter.",
        "In C9 you show your team why barriers matter.",
        "Read https://evil.example on why barriers matter.",
        HOPELESS,
    ],
)
def test_what_a_fact_speaks_against_is_never_in_doubt(check, text: str) -> None:
    assert check.weigh(Sentence(text, SOURCE)) is None


# --- in an answer: a model that is scripted, beside a local answer and an index that hold one unit ------------------------


class Reply:
    """What a scripted model says to one request."""

    def __init__(self, text: str | Exception) -> None:
        self.text, self.usage = text, Usage(10, 10)

    def __iter__(self) -> Iterator[str]:
        if isinstance(self.text, Exception):
            raise self.text
        yield from (self.text[i : i + 24] for i in range(0, len(self.text), 24))

    def close(self) -> None:
        """Nothing is open."""


class Scripted:
    """A model that writes a draft, and has verdicts on what it is asked again."""

    name = "openai:scripted"

    def __init__(self, draft: str, verdict: str | Exception) -> None:
        self.draft, self.verdict = draft, verdict
        self.asked: list[tuple[ModelRequest, float | None]] = []

    def reply(self, request: ModelRequest, *, stop: Stop, within: float | None = None) -> Reply:
        assert not stop.pressed
        self.asked.append((request, within))
        return Reply(self.draft if request.purpose == "answer" else self.verdict)


@pytest.fixture
def coach(knowledge, support, prompts):
    """`coach(draft, verdict, second)` gives (coach, model)."""
    passages = {p.id: p for p in knowledge.passages() if p.unit == "C4"}
    index = SimpleNamespace(
        passage=lambda passage_id, tenant: passages.get(passage_id),
        search=lambda *_, **__: [SimpleNamespace(passage=p) for p in passages.values()],
    )
    scores = (PassageScore(passage_id="C4/definition", unit="C4", score=1.0),)
    plain = Answer(question="q", standalone_question="q", answer="Plain.", outcome="answered", passages=scores)
    local = SimpleNamespace(ask=lambda question: plain)

    def make(draft, verdict, second=SecondOpinion()):  # noqa: B008 - frozen
        model = Scripted(draft, verdict)
        return SpeakingCoach(local, index, Speaker(model, prompts, support, second=second)), model

    return make


def copied(knowledge, passage_id: str) -> str:
    """A draft's line that says what a passage says."""
    text = next(p for p in knowledge.passages() if p.id == passage_id).sentences[0]
    return line(say=text, **{"from": [passage_id]})


@pytest.fixture
def drafted(check, knowledge) -> tuple[str, str]:
    """A draft of three sentences, the second in doubt; and the one in doubt."""
    held = in_doubt(check).passed
    middle = line(say=held.text, **{"from": [held.passages[0].id]})
    ending = line(end="answered", ask="Who have you not heard from yet?")
    whole = copied(knowledge, "C4/definition") + middle + copied(knowledge, "C4/ways-to-collect") + ending
    return whole, held.text


def test_a_yes_lets_it_stand_in_its_place_and_a_no_cuts_it(coach, drafted) -> None:
    draft, doubtful = drafted
    for verdict, cut in (('{"1": "yes"}', 0), ('{"1": "no"}', 1)):
        heard: list[str] = []
        speaking, model = coach(draft, verdict)
        answer = speaking.ask(QUESTION, hear=heard.append)
        assert (doubtful in answer.answer) == (not cut)
        assert answer.cut == cut
        assert answer.fallback is None
        assert "".join(heard) == answer.answer
        assert len(heard) == 3 - cut
        assert [r.purpose for r, _ in model.asked] == ["answer", "verify"]
        assert model.asked[1][1] <= 6.0
        assert doubtful in model.asked[1][0].user
        assert QUESTION.text not in model.asked[1][0].user  # nothing that a person wrote is sent again


@pytest.mark.parametrize("verdict", ["", "nonsense", '{"2": "yes"}', ModelFailed("timeout")])
def test_without_a_verdict_the_check_alone_decides(coach, drafted, verdict) -> None:
    draft, _ = drafted
    alone = coach(draft, "", None)[0].ask(QUESTION)
    answer = coach(draft, verdict)[0].ask(QUESTION)
    assert answer.answer == alone.answer
    assert answer.fallback is None


def test_after_stop_nothing_more_is_shown(coach, drafted) -> None:
    draft, doubtful = drafted
    heard: list[str] = []
    answer = coach(draft, ModelFailed("stopped"))[0].ask(QUESTION, hear=heard.append)
    assert len(heard) == 1
    assert doubtful not in answer.answer


def test_what_is_close_to_the_text_needs_no_second_call_and_no_time_allows_none(coach, drafted, knowledge) -> None:
    speaking, model = coach(copied(knowledge, "C4/definition") + line(end="answered", ask=""), "")
    assert speaking.ask(QUESTION).mode == "model"
    assert len(model.asked) == 1
    speaking, model = coach(drafted[0], '{"1": "yes"}', SecondOpinion(seconds=6.0, whole=0.2))
    speaking.ask(QUESTION)
    assert len(model.asked) == 1
