"""`ask`, `triage` and `chat`: the contract's forms on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading

import pytest

from bot.core.errors import DataFolderInUse, IndexNotReady

ANSWER_FIELDS = [
    "id", "question", "standalone_question", "answer", "outcome", "reason", "citations", "passages", "mode", "model",
    "fallback", "coach_question", "search", "latency_ms", "prompt", "cut",
]  # fmt: skip
TRIAGE_FIELDS = {
    "id", "outcome", "competency", "confidence", "ranking", "functions", "p_none", "level", "why", "next", "ask_back",
    "mode", "latency_ms",
}  # fmt: skip


def objects(ran):
    return [json.loads(line) for line in ran.raw.split(b"\n") if line]


def test_an_answer_for_people_shows_text_sources_and_the_coach_question(run):
    ran = run("ask", "What", "are", "barriers?")
    assert ran.status == 0
    assert "Barriers stand in the way [1]. Facilitators help [2]." in ran.out
    assert "Ours. (our wording)" in ran.out
    assert "“Theirs.”" in ran.out
    assert "C4/definition" in ran.out
    assert "Who has not been asked yet?" in ran.out


def test_words_without_quotes_are_one_question(run, app):
    run("ask", "What", "are", "barriers?")
    assert app.coach.asked[0].text == "What are barriers?"


def test_json_has_the_contracts_fields_in_order(run):
    found = json.loads(run("ask", "--json", "What are barriers?").out)
    assert list(found) == ANSWER_FIELDS
    assert found["citations"][0] == {
        "marker": 1, "unit": "C4", "passage_id": "C4/definition", "title": "Assess", "quote": "Ours.",
        "verbatim": False, "source": "framework",
    }  # fmt: skip
    assert found["passages"] == [{"unit": "C4", "passage_id": "C4/definition", "score": 0.9}]


def test_triage_json_has_the_contracts_fields(run):
    found = json.loads(run("triage", "--json", "a barrier").out)
    assert set(found) >= TRIAGE_FIELDS
    assert found["ranking"][0] == ["C4", 0.55]
    assert len(found["ranking"]) == 10
    assert len(found["functions"]) == 5
    assert found["next"] == {"question": "What stands in the way?", "read": ["C4/activities"], "self_check": "C4"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a barrier", ("Match", "C4 Title of C4", "55%", "“barrier”", "What stands in the way?", "advanced")),
        (
            "a close one",
            ("Close call", "Between C4 Title of C4 and C1 Title of C1", "Is it the problem or the barrier?"),
        ),
        ("what is for lunch", ("None of the ten", "doesn't look like", "90%")),
    ],
)
def test_a_triage_for_people_shows_the_case(run, text, shown):
    ran = run("triage", text)
    assert ran.status == 0
    for part in shown:
        assert part in ran.out


def test_lines_come_back_in_order_with_their_ids(run):
    lines = [{"id": n if n % 2 else f"q{n}", "question": f"question {n}"} for n in range(50)]
    stdin = "\n".join(map(json.dumps, lines)).encode()
    found = objects(run("ask", "--jsonl", "-", stdin=stdin))
    assert [o["id"] for o in found] == [line["id"] for line in lines]
    assert [o["question"] for o in found] == [line["question"] for line in lines]
    assert all(list(o) == ANSWER_FIELDS for o in found)


def test_lines_come_from_a_file_too_and_history_reaches_the_coach(run, app, tmp_path):
    history = [{"role": "user", "text": "What is C4?"}, {"role": "assistant", "text": "Barriers."}]
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": "q1", "question": "And C5?", "history": history}), "utf-8")
    ran = run("ask", "--jsonl", "q.jsonl")
    assert ran.status == 0
    assert [(t.role, t.text) for t in app.coach.asked[0].history] == [
        ("user", "What is C4?"),
        ("assistant", "Barriers."),
    ]


BAD_LINES = [
    (b"not json", None, "Not JSON at character 1"),
    (b'{"id": "x", "question": ', None, "Not JSON"),
    (b"[1, 2]", None, "holds a list, not an object"),
    (b'"text"', None, "holds a text, not an object"),
    (b"null", None, "holds null, not an object"),
    (b"\xff\xfe", None, "not UTF-8"),
    (b'{"id": "x", "question": NaN}', None, "NaN is not JSON"),
    (b'{"id": 1' + b"0" * 5000 + b', "question": "q"}', None, "number that is too long"),
    (b"[" * 100_000, None, "nested too deeply"),
    (b'{"id": ["x"], "question": "q"}', None, "id: should be a text or a number, not a list"),
    (b'{"id": true, "question": "q"}', None, "id: should be a text or a number"),
    (b'{"id": "x"}', "x", "question: missing"),
    (b'{"id": "x", "question": 7}', "x", "question: should be a text, not a number"),
    (b'{"id": "x", "question": null}', "x", "question: should be a text, not null"),
    (b'{"id": "x", "question": "q", "history": "h"}', "x", "history"),
    (b'{"id": "x", "question": "q", "history": [{"role": "system", "text": "t"}]}', "x", "history.0.role"),
    (b'{"id": "x", "question": "q", "history": [{"role": "user"}]}', "x", "history.0.text"),
]


@pytest.mark.parametrize(("line", "line_id", "words"), BAD_LINES, ids=[w for _, _, w in BAD_LINES])
def test_a_bad_line_gives_an_error_object_and_the_run_goes_on(run, line, line_id, words):
    ran = run("ask", "--jsonl", "-", stdin=line + b'\n{"id": "after", "question": "q"}\n')
    bad, good = objects(ran)
    assert list(bad) == ["id", "error"]
    assert bad["id"] == line_id
    assert words in bad["error"]
    assert good["id"] == "after"
    assert good["outcome"] == "answered"
    assert ran.status == 1
    assert "1 line could not be worked" in ran.err


ODD_TEXTS = [
    "",
    "   ",
    "x" * 40_000,
    "👩🏽‍⚕️🧑‍🤝‍🧑 how?",
    "ما هي العوائق؟",
    "zero\u200bwidth\u200d\ufeff",
    "\u202eright to left",
    "nul\x00 bell\x07",
    "a\u2028b\u2029c",
    "[bold]not markup[/bold]",
]


@pytest.mark.parametrize("command", ["ask", "triage"])
@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_odd_texts_give_a_well_formed_object(run, command, text):
    field = "question" if command == "ask" else "text"
    ran = run(command, "--jsonl", "-", stdin=json.dumps({"id": "odd", field: text}).encode())
    (found,) = objects(ran)
    assert ran.status == 0
    assert found["id"] == "odd"
    assert "outcome" in found
    if command == "ask":
        assert found["question"] == text


def test_a_lone_surrogate_is_replaced_wherever_it_stands(run, app):
    ran = run(
        "ask",
        "--jsonl",
        "-",
        stdin=rb'{"id": "\ud800", "question": "what \udfff?", "history": [{"role": "user", "text": "\ud83d"}]}',
    )
    (found,) = objects(ran)
    assert ran.status == 0
    assert found["id"] == "\ufffd"
    assert found["question"] == "what \ufffd?"
    assert app.coach.asked[0].history[0].text == "\ufffd"


def test_blank_lines_and_a_byte_order_mark_are_passed_over(run):
    stdin = b'\xef\xbb\xbf{"id": 1, "question": "a"}\r\n\r\n  \n{"id": 2, "question": "b"}'
    assert [o["id"] for o in objects(run("ask", "--jsonl", "-", stdin=stdin))] == [1, 2]


def test_an_empty_input_gives_nothing_and_is_no_error(run):
    ran = run("triage", "--jsonl", "-", stdin=b"")
    assert (ran.status, ran.raw, ran.err) == (0, b"", "")


@pytest.mark.parametrize("failure", [RuntimeError("secret words"), IndexNotReady("The index is being built.")])
def test_a_failing_line_tells_no_exception_text_unless_it_is_written_for_people(run, app, failure):
    app.coach.failure = failure
    ran = run("triage", "--jsonl", "-", stdin=b'{"id": "t", "text": "x"}\n')
    (found,) = objects(ran)
    expected = str(failure) if isinstance(failure, IndexNotReady) else "Something went wrong with this line."
    assert found == {"id": "t", "error": expected}
    assert ran.status == 1
    assert "secret words" not in ran.err


def test_an_unexpected_fault_is_calm_words_status_70_and_places_in_the_log(run, app, tmp_path):
    app.coach.failure = RuntimeError("secret words")
    ran = run("ask", "what?")
    assert ran.status == 70
    assert ran.out == ""
    assert "Something went wrong on our side" in ran.err
    assert "secret words" not in ran.err
    log = (tmp_path / "state" / "logs" / "errors.log").read_text("utf-8")
    assert "RuntimeError" in log
    assert "conftest.py" in log
    assert "secret words" not in log


def test_verbose_shows_the_traceback_before_or_after_the_command(run, app):
    app.coach.failure = RuntimeError("what happened")
    for args in (("--verbose", "ask", "what?"), ("ask", "what?", "--verbose")):
        ran = run(*args)
        assert "Traceback" in ran.err
        assert "what happened" in ran.err


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (DataFolderInUse("The data folder is in use."), 4, "The data folder is in use."),
        (IndexNotReady("The index is being built."), 1, "The index is being built."),
    ],
)
def test_known_errors_have_their_own_status(run, app, failure, status, words):
    app.failure = failure
    ran = run("ask", "what?")
    assert (ran.status, ran.err.strip()) == (status, words)


@pytest.mark.parametrize(
    "args",
    [
        ("ask",),
        ("ask", "q", "--jsonl", "-"),
        ("triage", "  "),
        ("ask", "--jsonl", "missing.jsonl"),
        ("ask", "--jsonl", "."),
    ],
)
def test_wrong_usage_is_status_2_with_nothing_on_standard_output(run, args):
    ran = run(*args)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ISP_COACH_WORKERS", "many", "ISP_COACH_WORKERS: Input should be a valid integer"),
        ("ISP_COACH_SENDS_PER_SECOND", "900", "ISP_COACH_SENDS_PER_SECOND"),
        ("ISP_COACH_LOG_LEVEL", "LOUD", "ISP_COACH_LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(run, monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    ran = run("ask", "what?")
    assert ran.status == 2
    assert words in ran.err
    assert value not in ran.err


def test_a_terminal_never_gets_control_characters_from_a_text(run, app, monkeypatch):
    def answer(question):
        found = type(app.coach).ask(app.coach, question)
        return found.model_copy(
            update={"answer": "\x1b[31mred\x1b]0;title\x07 [link=x]y[/link] [1]", "coach_question": "\x9bq"}
        )

    monkeypatch.setattr(app.coach, "ask", answer)
    ran = run("ask", "what?")
    assert "\x1b[31mred" not in ran.out
    assert "\x07" not in ran.out
    assert "\x9b" not in ran.out
    assert "[link=x]y[/link]" in ran.out


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path):
    script = (
        "import sys, types\nsys.path.insert(0, sys.argv.pop(1))\nfrom conftest import FakeApp\n"
        "sys.modules['bot.app'] = FakeApp().module()\nfrom bot.cli import main\nmain()"
    )
    here = __file__.rpartition("/")[0]
    process = subprocess.Popen(
        [sys.executable, "-c", script, here, "ask", "--jsonl", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip

    def feed():
        with contextlib.suppress(BrokenPipeError):
            for n in range(5000):
                process.stdin.write(b'{"id": %d, "question": "q"}\n' % n)
            process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    first = process.stdout.readline()
    process.stdout.close()
    status = process.wait(timeout=60)
    feeder.join(timeout=60)
    with process.stderr as stream:
        err = stream.read()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    assert json.loads(first)["id"] == 0
    assert (status, err) == (141, b"")


def test_a_conversation_keeps_its_history_opens_sources_and_settles_a_close_call(run, app):
    said = [
        "What is C4?",
        "/source 1",
        "/source 9",
        "we are close to both",
        "2",
        "what can you do",
        "hello",
        "check me",
        "/nonsense",
        "/new",
        "/quit",
    ]
    ran = run("chat", stdin="\n".join(said).encode() + b"\n")
    assert ran.status == 0
    assert "Whole." in ran.out
    assert "The last answer has these sources: 1, 2." in ran.out
    assert "1 The problem   2 The barrier" in ran.out
    assert "Then it is C4 Title of C4." in ran.out
    assert "/which TEXT" in ran.out
    assert "Hello! I coach people" in ran.out
    assert "here nothing is stored" in ran.out
    assert len(app.coach.asked) == 2
    assert "There is no /nonsense." in ran.out
    settled = app.coach.asked[1]
    assert [t.role for t in settled.history] == ["user", "assistant", "user", "assistant"]
    assert settled.history[0].text == "What is C4?"


def test_a_fault_does_not_end_a_conversation(run, app):
    app.coach.failure = RuntimeError("secret words")
    ran = run("chat", stdin=b"first\nsecond\n")
    assert ran.status == 0
    assert ran.err.count("Something went wrong on our side") == 2
    assert "secret words" not in ran.err
