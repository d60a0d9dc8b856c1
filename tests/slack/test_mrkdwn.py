"""L3: whatever a person or a model writes, nothing that leaves the bot notifies anybody or leads elsewhere."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.framework import Knowledge
from bot.core.wording import Wording
from bot.slack.ask import answer_message
from bot.slack.messenger import outgoing
from bot.slack.mrkdwn import (
    NO_LINKS,
    REMOVED,
    Links,
    clip,
    escape,
    guard,
    plain_words,
    quoted,
    split,
    to_mrkdwn,
)
from tests.slack.scripted import answer

OURS = "https://www.centerforimplementation.com/toolbox/white-paper"
LINKS = Links(frozenset({OURS}))
LIVE = re.compile(
    r"<[@#!][^<>]*>|<(?!https://www\.centerforimplementation\.com/)[a-z+.-]+:[^<>]*>|@(?:here|channel|everyone)",
    re.IGNORECASE,
)
FOREIGN = re.compile(
    r"(?i)(?:https?|ftp)://(?!www\.centerforimplementation\.com/toolbox/white-paper)|evil\.(?:example|com)"
)

NASTY = st.sampled_from(
    [
        "<!channel>",
        "<!here|here>",
        "<!everyone>",
        "<@U0ANA>",
        "<@W123|ana>",
        "<!subteam^S123|@team>",
        "<#C123|general>",
        "@here",
        "@Channel",
        "@everyone",
        "[click](https://evil.example/?q=1)",
        "![pic](https://evil.example/a.png)",
        "<https://evil.example|paper>",
        "<https://evil.example>",
        "https://evil.example/x",
        "HTTP://EVIL.COM",
        "//evil.com/x",
        "www.evil.com",
        "evil.com/x?y=1",
        "evil.com",
        "evil.example:8080/x",
        "[ref]: https://evil.com/a",
        "[x][ref]",
        "mailto:a@evil.com",
        "javascript:alert(1)",
        "[a](<https://evil.com/a b>)",
        "[a](https://evil.com 'title')",
        "<a href='https://evil.com'>x</a>",
        "**<!channel>**",
        "`<!here>`",
        "```<@U1>```",
        "&lt;!channel&gt;",
        "<<!channel>>",
        "<\u200b!channel>",
        "h\u200bttps://evil.com",
        "http:\\\\evil.com",
        "\ue000https://evil.com\ue001x\ue002",
        "<!date^1^x^https://evil.com|x>",
        "<" + OURS + "|<!channel>>",
        "[<!channel>](" + OURS + ")",
        "[[1]](https://evil.com)",
        "> <!here>",
        "# <!channel>",
        "| <!here> | https://evil.com |",
        "*",
        "_",
        "~",
        "<",
        ">",
        "&",
        "|",
        "[",
        "]",
        "(",
        ")",
        "!",
        "@",
        "\n",
        " ",
    ]
)
TEXTS = st.lists(NASTY | st.text(max_size=12), max_size=12).map("".join)


def _strings(payload: Any) -> list[str]:
    if isinstance(payload, dict):
        return [s for v in payload.values() for s in _strings(v)]
    if isinstance(payload, list):
        return [s for v in payload for s in _strings(v)]
    return [payload] if isinstance(payload, str) else []


def _assert_harmless(text: str) -> None:
    assert not LIVE.search(text), text
    assert not FOREIGN.search(text), text


@given(TEXTS)
def test_l3_escaped_text_holds_no_live_mention_and_no_foreign_link(text: str) -> None:
    _assert_harmless(escape(text, LINKS))
    assert "<" not in escape(text)
    assert ">" not in escape(text)


@given(TEXTS)
def test_l3_markdown_from_a_model_holds_no_live_mention_and_no_foreign_link(text: str) -> None:
    _assert_harmless(to_mrkdwn(text, LINKS))


@given(TEXTS)
def test_l3_the_last_guard_alone_stops_raw_text(text: str) -> None:
    payload = outgoing(text, [{"type": "section", "text": {"type": "mrkdwn", "text": text}}], LINKS)
    raw_in_plain = guard({"type": "plain_text", "text": text}, LINKS)["text"]
    for found in [payload["text"], payload["blocks"][0]["text"]["text"], raw_in_plain]:
        assert not LIVE.search(found), found


@given(TEXTS)
def test_l3_the_guard_finds_nothing_left_to_do_in_escaped_text(text: str) -> None:
    for made in (escape(text, LINKS), to_mrkdwn(text, LINKS)):
        assert guard({"type": "mrkdwn", "text": made}, LINKS)["text"] == made


@pytest.mark.parametrize(
    "unit", ["a.", "a", "a-", "a:", "[", "[a](", "*", "**a", "<", "| a ", "x" * 60 + ".", "w.", "//", "@"]
)
def test_forty_thousand_characters_of_any_kind_are_read_quickly(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    begun = time.perf_counter()
    guard({"type": "mrkdwn", "text": escape(text) + to_mrkdwn(text)}, NO_LINKS)
    split(text)
    assert time.perf_counter() - begun < 5


@pytest.mark.fault("L3")
def test_l3_a_whole_answer_message_is_harmless(full: bool, figure) -> None:
    seen = 0

    @settings(deadline=None, max_examples=3000 if full else 100)
    @given(TEXTS)
    def check(text: str) -> None:
        nonlocal seen
        message = answer_message(_answer(text), "e1", _WORDING[0], LINKS, private=True)
        for found in _strings(outgoing(message.text, message.blocks, LINKS)):
            _assert_harmless(found)
        seen += 1

    check()
    figure(f"{seen} texts as answer, source and question of a message: 0 live mentions, 0 foreign links")


_WORDING: list[Wording] = []
_KNOWLEDGE: list[Knowledge] = []


@pytest.fixture(autouse=True, scope="module")
def _loaded(wording: Wording, knowledge: Knowledge) -> None:
    _WORDING[:] = [wording]
    _KNOWLEDGE[:] = [knowledge]


def _answer(text: str):
    plain = answer("q", _KNOWLEDGE[0])
    cited = tuple(c.model_copy(update={"title": text or "x", "quote": text}) for c in plain.citations)
    return plain.model_copy(update={"answer": text, "citations": cited, "coach_question": text})


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("**bold** and *it* and __strong__ and _em_", "*bold* and _it_ and *strong* and _em_"),
        ("## A heading", "*A heading*"),
        ("- one\n* two\n  - three", "• one\n• two\n  • three"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("> said", ">said"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("fact [1] [2][3]", "fact [1] [2][3]"),
        (f"[the paper]({OURS})", f"<{OURS}|the paper>"),
        (f"see {OURS}.", f"see {OURS}."),
        ("[x](https://evil.com)", "x"),
        ("![pic](https://evil.com/a.png)", "pic"),
        ("go to https://evil.com/a?b", f"go to {REMOVED}"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a · b\n1 · 2"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("Is the plan done.Really?", "Is the plan done.\u2060Really?"),
        ("the data: three wards", "the data: three wards"),
        ("e.g. at 3.5 p.m. in the U.S.", "e.g. at 3.5 p.m. in the U.S."),
    ],
)
def test_markdown_becomes_what_slack_reads(markdown: str, mrkdwn: str) -> None:
    assert to_mrkdwn(markdown, LINKS) == mrkdwn


def test_a_quote_is_marked_on_every_line() -> None:
    assert quoted("one\n<two>") == ">one\n>&lt;two&gt;"


def test_plain_words_lose_the_marks_and_keep_the_words() -> None:
    assert plain_words("*Bold* &amp; _it_ <https://x|the paper> snake_case") == "Bold & it the paper snake_case"


def test_dates_in_the_readers_zone_pass_the_guard_and_other_entities_dont() -> None:
    date = "<!date^1795339400^{date_short_pretty} {time}|24 November, 9:30>"
    assert guard({"type": "mrkdwn", "text": date}, NO_LINKS)["text"] == date
    assert "<!" not in guard({"type": "mrkdwn", "text": "<!here> <@U1>"}, NO_LINKS)["text"]


def test_the_guard_drops_foreign_urls_images_and_notifying_elements() -> None:
    blocks = [
        {
            "type": "actions",
            "elements": [{"type": "button", "url": "https://evil.com", "text": {"type": "plain_text", "text": "x"}}],
        },
        {"type": "image", "image_url": "https://evil.com/a.png", "alt_text": "x"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "broadcast", "range": "here"}, {"type": "text", "text": "hi"}],
                }
            ],
        },
    ]
    left = json.dumps(guard(blocks, LINKS))
    assert "evil" not in left
    assert "broadcast" not in left
    assert "hi" in left


@given(st.text(alphabet=st.sampled_from("ab .\n&<>;x|é"), max_size=400).map(escape), st.integers(20, 120))
def test_the_splitter_keeps_every_word_within_the_limit_and_cuts_no_escape(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < len(p) <= limit for p in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert not any(re.search(r"&[a-z]{0,4}$", p) for p in pieces)
    assert not any(re.match(r"(?:a?m?p|[lg]?t);", p) for p in pieces[1:] if "&" in text and p[0] not in "ab")


def test_a_long_text_is_cut_at_paragraphs_first() -> None:
    paragraphs = ["word " * 100 + "end." for _ in range(10)]
    assert split("\n\n".join(paragraphs), 1100) == ["\n\n".join(paragraphs[i : i + 2]) for i in range(0, 10, 2)]


@given(st.text(max_size=60), st.integers(2, 40))
def test_a_clipped_text_fits_and_says_that_it_is_clipped(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    assert clipped == text or clipped.endswith("…")
