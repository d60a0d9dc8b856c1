"""The fault matrix: whatever a model does, a good answer or a plain reason comes, in time (row L9); and row S5."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.adapters.content import load_exemplars
from bot.core import facts
from bot.core.answer import Answer, Question
from tests.fakes.model_server import Asked, ModelServer, good, line, verdicts
from tests.model.conftest import ROOT
from tests.model.slackbot import MODEL, script, speaking_bot

QUESTION = Question(text="What gets in the way of teams using a new program?")
WHOLE, FIRST = 2.0, 1.0  # seconds; the shipped ones are ten times as long


def ramble(asked: Asked) -> str:
    return "Let me think about barriers at length, since there is so much to say about them. " * 650


def made_up(asked: Asked) -> str:
    if asked.claims:
        return verdicts(asked)
    ids = [pid for pid, _ in asked.passages]
    return (
        line(say="There are 17 barriers in 94 percent of teams.", **{"from": ids[:1]})
        + line(say="The C9/definition says more.", **{"from": ["C9/nowhere"]})
        + line(say="See [4] and [5] for that.", **{"from": ids[:1]})
        + good(asked)
    )


MATRIX = {
    "slow first token": {"first": 30.0},
    "stalls midway": {"hang_after": 6},
    "drops midway": {"drop_after": 9},
    "429 with Retry-After 0": {"status": 429, "headers": {"retry-after": "0"}, "times": 1},
    "429 with Retry-After 60": {"status": 429, "headers": {"retry-after": "60"}},
    "500 once": {"status": 500, "times": 1},
    "500": {"status": 500},
    "401": {"status": 401},
    "invalid JSON": {"draft": lambda asked: '{"say": "half a li\n{"say": no}\nnonsense\n'},
    "wrong schema": {"draft": lambda asked: json.dumps({"answer": "Barriers.", "sources": [1]})},
    "empty": {"draft": lambda asked: ""},
    "blank lines": {"draft": lambda asked: "\n\n\n"},
    "no stream": {"raw": b"data: {\n\n"},
    "refusal": {"draft": lambda asked: "I'm sorry, but I can't help with that."},
    "typed refusal": {"draft": lambda asked: line(end="not_in_sources", ask="")},
    "ramble": {"draft": ramble, "piece": 400},
    "made-up markers and numbers": {"draft": made_up},
    "good": {},
}
ANSWERS_WITH_MODEL = {"429 with Retry-After 0", "500 once", "made-up markers and numbers", "good"}


def problems(answer: Answer) -> list[str]:
    """What must never be in an answer: a marker without a source, a number that no source has."""
    markers = {int(n) for n in re.findall(r"\[(\d+)\]", answer.answer)}
    sources = {c.marker for c in answer.citations}
    found = [f"marker {n}" for n in markers - sources]
    if answer.mode == "model" and answer.fallback is None and answer.outcome == "answered":
        told = re.sub(r"\[\d+\]", "", answer.answer)
        known = {n.value for c in answer.citations for n in facts.numbers(c.quote)}
        found += [f"number {n.value}" for n in facts.numbers(told) if n.value not in known | {"1"}]
    return found


@pytest.mark.parametrize("kind", MATRIX)
def test_every_fault_ends_in_a_good_answer_or_a_plain_reason(speaking, kind: str) -> None:
    coach = speaking(f"m-{kind.replace(' ', '-')}", model_timeout=WHOLE, model_first_token=FIRST, **MATRIX[kind])
    heard: list[str] = []
    began = time.monotonic()
    answer = coach.ask(QUESTION, hear=heard.append)
    took = time.monotonic() - began
    assert took <= WHOLE + 1.0
    assert problems(answer) == []
    assert answer.outcome in {"answered", "not_in_sources"}
    assert answer.answer
    assert "secret" not in answer.model_dump_json()
    if kind in ANSWERS_WITH_MODEL:
        assert (answer.mode, answer.fallback) == ("model", None)
    elif answer.outcome == "answered":
        assert answer.fallback in {"model_error", "check_failed"}
    assert not heard or "".join(heard) == answer.answer  # nothing that was shown is taken back


@pytest.mark.fault("L9")
@pytest.mark.timeout(900)
def test_l9_a_reply_comes_whatever_the_model_does(speaking, figure, full) -> None:
    kinds = ("500", "empty", "stalls midway", "invalid JSON", "refusal")
    rounds = 100 if full else 2
    slowest, bad = 0.0, 0
    for kind in kinds:
        own = {"model_timeout": WHOLE, "model_first_token": FIRST} if kind == "stalls midway" else {}
        coach = speaking(f"l9-{kind.replace(' ', '-')}", **own, **MATRIX[kind])

        def once(_: int, coach=coach) -> tuple[float, bool]:
            began = time.monotonic()
            answer = coach.ask(QUESTION)
            return time.monotonic() - began, bool(answer.answer) and "Error" not in answer.answer

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(once, range(rounds)))
        slowest = max(slowest, *(took for took, _ in results))
        bad += sum(not fine for _, fine in results)
    figure(f"{bad} of {rounds * len(kinds)} without a good reply; slowest {slowest:.1f} s")
    assert bad == 0
    assert slowest <= 30.0


def test_a_hundred_questions_without_a_dangling_marker_or_an_unsupported_number(speaking, figure) -> None:
    asked = [q.question for q in load_exemplars(ROOT).questions]
    questions = asked[:: max(1, len(asked) // 100)][:100]
    coach = speaking("m-hundred", draft=made_up)
    answers = [coach.ask(Question(text=text)) for text in questions]
    wrong = [p for a in answers for p in problems(a)]
    slowest = max(a.latency_ms for a in answers)
    spoken = sum(a.mode == "model" and a.fallback is None for a in answers)
    figure(
        f"{len(answers)} questions: {sum('marker' in p for p in wrong)} dangling markers, "
        f"{sum('number' in p for p in wrong)} unsupported numbers, {spoken} told by the model, slowest {slowest:.0f} ms"
    )
    assert wrong == []
    assert spoken > len(answers) / 3
    assert slowest <= 21_000


@pytest.mark.fault("S5")
@pytest.mark.timeout(300)
def test_s5_a_model_that_takes_a_minute_holds_up_no_acknowledgement(
    server: ModelServer, tmp_path, figure, full
) -> None:
    seconds = 10 if full else 3
    with speaking_bot(server, tmp_path, model_first_token=4, model_timeout=6) as running:
        script(server, good, first=60.0)
        people = [running.newcomer() for _ in range(20)]
        took: list[float] = []
        accept = running.bot.slack.inbox.accept

        def timed(*delivered):
            began = time.monotonic()
            try:
                return accept(*delivered)
            finally:
                took.append(time.monotonic() - began)

        running.bot.slack.inbox.accept = timed
        began = time.monotonic()
        for n in range(20 * seconds):
            person = people[n % 20]
            running.sandbox.say(person, running.sandbox.dm(person), f"What gets in the way, number {n}?")
            time.sleep(max(0.0, began + n / 20 - time.monotonic()))
        running.sandbox.wait_for(lambda: running.sandbox.hub.undelivered == 0, 60, "the last acknowledgement")
        ordered = sorted(took)
        p99 = ordered[int(len(ordered) * 0.99) - 1]
        retried = running.sandbox.hub.undelivered
    figure(f"ack p99 {p99 * 1000:.0f} ms over {len(ordered)} events at 20 a second, model silent for 60 s")
    assert p99 < 1.0
    assert retried == 0
    assert server.behaviours[MODEL].first == 60.0
