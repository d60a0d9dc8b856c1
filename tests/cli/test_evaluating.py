"""The figures of an evaluation as tables, and `eval` on anyone's set."""

from __future__ import annotations

import json
import math

import pytest

from bot.core import evaluation as ev
from bot.core.answer import Answer, PassageScore
from bot.services.evaluation import score_retrieval, score_router, score_triage


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 0, 0, 1),
        (0, 10, 0, 0.2775),
        (10, 10, 0.7225, 1),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
        (1, 1, 0.2065, 1),
    ],
)
def test_wilson_interval_matches_published_values(hits, of, low, high):
    assert ev.wilson(hits, of) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("values", "percent", "wanted"),
    [
        ([], 50, None),
        ([7], 95, 7),
        ([1, 2, 3, 4], 50, 2.5),
        ([4, 1, 3, 2], 50, 2.5),
        ([0, 10], 95, 9.5),
        ([1, 2, 3], 0, 1),
        ([1, 2, 3], 100, 3),
    ],
)
def test_percentile_interpolates(values, percent, wanted):
    assert ev.percentile(values, percent) == wanted


@pytest.mark.parametrize(
    ("units", "gold", "wanted"),
    [
        (["C1", "C2"], ["C1"], 1),
        (["C1", "C2"], ["C2"], 0.5),
        (["C1", "C2", "C3"], ["C3", "C2"], 0.5),
        (["C1"], ["C9"], 0),
        ([], ["C1"], 0),
    ],
)
def test_reciprocal_rank_is_of_the_first_gold_unit(units, gold, wanted):
    assert ev.reciprocal_rank(units, gold) == wanted


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([], None),
        ([(1.0, True), (0.0, False)], 0.0),
        ([(1.0, False)], 1.0),
        ([(0.75, True), (0.75, True), (0.75, True), (0.75, False)], 0.0),
        ([(0.95, True), (0.95, False), (0.15, False), (0.15, False)], (0.45 * 2 + 0.15 * 2) / 4),
        ([(0.1, True), (0.19, False)], abs(0.29 - 1) / 2),
    ],
)
def test_calibration_error_weighs_ten_bins_by_their_lines(pairs, wanted):
    assert ev.calibration_error(pairs) == (None if wanted is None else pytest.approx(wanted))


def retrieved(units, cited, outcome, *, gold=(), acceptable=(), answerable=True, kind="k", ms=1.0):
    line = ev.RetrievalLine(
        id="x", question="q", gold_units=gold, acceptable_units=acceptable, answerable=answerable, type=kind
    )
    return ev.RetrievalResult(line, tuple(units), cited, outcome, ms)


def test_retrieval_figures_count_what_the_contract_says():
    results = [
        retrieved(["C1", "C2"], "C1", "answered", gold=["C1"], ms=10),
        retrieved(["C2", "C1"], "C2", "answered", gold=["C1"], acceptable=["C2"], ms=20),
        retrieved(["C3", "C4", "C5", "C1"], "C3", "answered", gold=["C1"], ms=30),
        retrieved(["C1"], None, "not_in_sources", gold=["C1"], ms=40),
        retrieved(["C9"], None, "out_of_scope", answerable=False, ms=50),
        retrieved(["C9"], "C9", "answered", answerable=False, ms=60),
        retrieved([], None, "failed", answerable=False, ms=70),
    ]
    found = ev.retrieval_figures(results)
    shares = {name: (f.hits, f.of) for name, f in found.items() if isinstance(f, ev.Share)}
    assert shares == {
        "acc@1": (3, 4),
        "cited@1": (2, 4),
        "gold@1": (2, 4),
        "gold@3": (3, 4),
        "answered": (3, 4),
        "refused": (1, 3),
    }
    assert found["mrr"] == pytest.approx((1 + 0.5 + 0.25 + 1) / 4)
    assert (found["p50_ms"], found["p95_ms"]) == (40, 67)


def triaged(primary, first, outcome, *, acceptable=(), functions=(), level=None, got_level="advanced", confidence=0.9):
    line = ev.TriageLine(id="x", text="t", primary=primary, acceptable=acceptable, functions=functions, level=level)
    others = [c for c in ("C1", "C2", "C3", "C4") if c != first]
    ranking = ((first, confidence), *((c, 0.01) for c in others))
    return ev.TriageResult(
        line, outcome, first if outcome == "match" else None, ranking, (("FB", 0.5), ("FA", 0.1)), got_level, 1.0
    )


def test_triage_figures_count_what_the_contract_says():
    results = [
        triaged("C1", "C1", "match", acceptable=["C1"], functions=["FB", "FC"], level="advanced"),
        triaged("C1", "C2", "close_call", acceptable=["C1", "C2"], functions=["FA"], level="foundational"),
        triaged("C1", "C3", "match", acceptable=["C1"]),
        triaged("C3", "C4", "none", acceptable=["C3"]),
        triaged("none", "C1", "none"),
        triaged("none", "C1", "match", confidence=1.0),
    ]
    found = ev.triage_figures(results)
    shares = {name: (f.hits, f.of) for name, f in found.items() if isinstance(f, ev.Share)}
    assert shares == {
        "acc@1": (2, 4), "acc@2": (3, 4), "acc@3": (3, 4), "none_recall": (1, 2), "false_none": (1, 4),
        "match_precision": (1, 3), "match_share": (3, 6), "functions": (1, 2), "level": (1, 2),
    }  # fmt: skip
    assert found["ece"] == pytest.approx(abs(4 * 0.9 - 2) / 4)


def test_a_figure_without_lines_is_none_not_zero():
    found = ev.as_json(ev.triage_figures([]))
    assert found["acc@1"] == {"value": None, "low": 0.0, "high": 1.0, "hits": 0, "of": 0}
    assert found["ece"] is None
    assert json.dumps(found)


class Scripted:
    """Answers from a table and takes a set time."""

    def ask(self, question):
        if question.text == "fails":
            raise RuntimeError("secret words")
        unit = question.text.split()[-1]
        outcome = "not_in_sources" if unit == "none" else "answered"
        return Answer(
            question=question.text,
            standalone_question="",
            answer="",
            outcome=outcome,
            passages=(PassageScore(unit=unit, passage_id=unit, score=1),),
        )


def test_a_failing_line_is_listed_and_the_rest_is_counted():
    ticks = iter(range(100))
    lines = [
        ev.RetrievalLine(id=n, question=q, gold_units=("C1",))
        for n, q in enumerate(["about C1", "fails", "about C2", "about none"])
    ]
    report = score_retrieval(Scripted(), lines, stopwatch=lambda: float(next(ticks)))
    assert report.failed == ((1, "Something went wrong with this line."),)
    assert (report.overall["acc@1"].hits, report.overall["acc@1"].of) == (1, 3)
    assert report.overall["p50_ms"] == 1000
    assert [(m.id, m.got) for m in report.misses] == [(2, "C2"), (3, "not_in_sources (none first)")]


def test_groups_hold_the_same_figures_by_value(app):
    lines = [
        ev.TriageLine(id=n, text="barrier", primary="C4", difficulty=d) for n, d in enumerate(["easy", "hard", "easy"])
    ]
    report = score_triage(app.coach, lines)
    assert list(report.groups) == ["difficulty", "setting"]
    assert {d: f["acc@1"].of for d, f in report.groups["difficulty"].items()} == {"easy": 2, "hard": 1}


def test_the_router_is_scored_by_intent(app):
    lines = [ev.RouterLine(id=1, text="we nod", intent="triage"), ev.RouterLine(id=2, text="hello", intent="help")]
    report = score_router(app.coach, lines)
    assert report.overall["acc@1"] == ev.Share(1, 2)
    assert [(m.id, m.wanted, m.got) for m in report.misses] == [(2, ("help",), "smalltalk")]


RETRIEVAL = '{"id": "r1", "question": "q", "gold_units": ["C4"], "acceptable_units": [], "key_points": ["k"], "answerable": true, "type": "fact", "difficulty": "easy"}\n'
TRIAGE = '{"id": "t1", "text": "barrier", "primary": "C4", "acceptable": ["C4"], "functions": ["FA"], "difficulty": "hard", "setting": "school"}\n'
ROUTER = '{"id": "u1", "text": "hello", "history": [], "intent": "smalltalk"}\n'


@pytest.mark.parametrize(("kind", "line"), [("retrieval", RETRIEVAL), ("triage", TRIAGE), ("router", ROUTER)])
def test_eval_scores_a_file_as_a_table_and_as_json(run, tmp_path, kind, line):
    (tmp_path / "set.jsonl").write_text(line, "utf-8")
    table = run("eval", kind, "set.jsonl")
    assert table.status == 0
    assert f"{kind}, 1 lines" in table.out
    assert "acc@1" in table.out
    found = json.loads(run("eval", kind, "set.jsonl", "--json").out)
    assert found["kind"] == kind
    assert found["figures"]["acc@1"]["value"] == 1
    assert math.isfinite(found["figures"]["p95_ms"])
    assert any(name.startswith("by_") for name in found)


def test_eval_names_each_line_that_it_cannot_read_and_scores_the_others(run, tmp_path):
    (tmp_path / "set.jsonl").write_text('{"id": "bad"}\nnot json\n' + TRIAGE, "utf-8")
    ran = run("eval", "triage", "set.jsonl", "--json")
    assert ran.status == 1
    assert "set.jsonl:1: text: Field required" in ran.err
    assert "set.jsonl:2: Not JSON" in ran.err
    assert json.loads(ran.out)["lines"] == 1


def test_eval_lists_misses_where_asked(run, tmp_path):
    (tmp_path / "set.jsonl").write_text(TRIAGE.replace('"C4"', '"C9"'), "utf-8")
    assert "wanted C9; got match C4" in run("eval", "triage", "set.jsonl", "--misses").out
    assert "wanted" not in run("eval", "triage", "set.jsonl").out


def test_eval_of_an_empty_set_is_no_success(run, tmp_path):
    (tmp_path / "set.jsonl").write_text("\n", "utf-8")
    ran = run("eval", "retrieval", "set.jsonl")
    assert (ran.status, ran.out) == (1, "")
    assert "no line to score" in ran.err
