from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.limits import check_home, check_message, check_view
from tests.sandbox.payloads import button, modal, plain, text_input


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def option(value: str, text: str = "o") -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def select(count: int, **more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "s", "options": [option(str(n)) for n in range(count)], **more}


def boxes(kind: str, count: int) -> dict[str, Any]:
    return {"type": kind, "action_id": "c", "options": [option(str(n)) for n in range(count)]}


def table(rows: int, columns: int, text: str = "c") -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * columns for _ in range(rows)]}


def data_table(rows: int, columns: int, text: str = "c", **more: Any) -> dict[str, Any]:
    return {**table(rows, columns, text), "type": "data_table", "caption": "What it shows", **more}


def chart(kind: str = "bar", series: int = 1, points: int = 2, **more: Any) -> dict[str, Any]:
    labels = [f"p{n}" for n in range(points)]
    data = [{"label": label, "value": 1} for label in labels]
    if kind == "pie":
        return {"type": "data_visualization", "title": "T", "chart": {"type": "pie", "segments": data}, **more}
    lines = [{"name": f"s{n}", "data": data} for n in range(series)]
    body = {"type": kind, "series": lines, "axis_config": {"categories": labels}}
    return {"type": "data_visualization", "title": "T", "chart": body, **more}


def task(task_id: str = "1", **more: Any) -> dict[str, Any]:
    return {"type": "task_card", "task_id": task_id, "title": "t", "status": "pending", **more}


def card(**more: Any) -> dict[str, Any]:
    return {"type": "card", "title": mrkdwn("t"), **more}


IMAGE = {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "A line going up"}

FINE: list[dict[str, Any]] = [
    section("x" * 3000),
    section(fields=[mrkdwn("f" * 2000)] * 10),
    section(accessory=button("a")),
    {"type": "header", "text": plain("h" * 150)},
    {"type": "divider"},
    actions(*[button(f"a{n}") for n in range(25)]),
    {"type": "context", "elements": [mrkdwn("c")] * 10},
    IMAGE,
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "t"}]}]},
    {"type": "markdown", "text": "m" * 12_000},
    table(100, 20),
    data_table(201, 20),
    chart(),
    chart("line", series=6, points=20),
    chart("pie", points=6),
    {"type": "plan", "title": "p", "tasks": [task("1"), task("2")]},
    task(),
    card(body=mrkdwn("b" * 200), actions=[button("b")]),
    {"type": "carousel", "elements": [card()] * 10},
    {"type": "container", "title": plain("t"), "child_blocks": [section()] * 10, "width": "wide"},
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "f",
                "positive_button": {"text": plain("Good"), "value": "1"},
                "negative_button": {"text": plain("Bad"), "value": "0"},
            }
        ],
    },
    section(accessory=select(100)),
    section(accessory=select(1, placeholder=plain("p" * 150))),
    actions({"type": "overflow", "action_id": "o", "options": [option("1"), option("2")]}),
    actions({"type": "datepicker", "action_id": "d", "initial_date": "2026-02-28"}),
]

BAD: list[tuple[dict[str, Any], str, str]] = [
    (section("x" * 3001), "/blocks/0/text/text", "3000"),
    (section(""), "/blocks/0/text/text", "at least 1"),
    ({"type": "section"}, "/blocks/0", "text or fields"),
    (section(fields=[mrkdwn("f")] * 11), "/blocks/0/fields", "10 items"),
    (section(fields=[mrkdwn("f" * 2001)]), "/blocks/0/fields/0/text", "2000"),
    (section(colour="red"), "/blocks/0", "additional property: colour"),
    ({"type": "header", "text": plain("h" * 151)}, "/blocks/0/text/text", "150"),
    ({"type": "header", "text": mrkdwn("h")}, "/blocks/0/text/type", "plain_text"),
    (actions(*[button(f"a{n}") for n in range(26)]), "/blocks/0/elements", "25 items"),
    (actions(), "/blocks/0/elements", "at least 1"),
    (actions(button("a"), button("a")), "/blocks/0/elements/1/action_id", "already exists"),
    (actions({**button("a"), "text": plain("t" * 76)}), "/blocks/0/elements/0/text/text", "75"),
    (actions({**button("a"), "text": mrkdwn("t")}), "/blocks/0/elements/0/text/type", "plain_text"),
    (actions(button("a", "v" * 2001)), "/blocks/0/elements/0/value", "2000"),
    (actions(button("a" * 256)), "/blocks/0/elements/0/action_id", "255"),
    (actions({**button("a"), "url": "u" * 3001}), "/blocks/0/elements/0/url", "3000"),
    (actions({**button("a"), "style": "blue"}), "/blocks/0/elements/0/style", "danger"),
    (actions({**button("a"), "accessibility_label": "l" * 76}), "/blocks/0/elements/0/accessibility_label", "75"),
    (actions({**button("a"), "agent_prompt": "p" * 4001}), "/blocks/0/elements/0/agent_prompt", "4000"),
    (
        actions(
            {
                **button("a"),
                "confirm": {"title": plain("t" * 101), "text": plain("t"), "confirm": plain("y"), "deny": plain("n")},
            }
        ),
        "/blocks/0/elements/0/confirm/title/text",
        "100",
    ),
    (
        actions(
            {
                **button("a"),
                "confirm": {"title": plain("t"), "text": plain("t" * 301), "confirm": plain("y"), "deny": plain("n")},
            }
        ),
        "/blocks/0/elements/0/confirm/text/text",
        "300",
    ),
    (
        actions(
            {
                **button("a"),
                "confirm": {"title": plain("t"), "text": plain("t"), "confirm": plain("y" * 31), "deny": plain("n")},
            }
        ),
        "/blocks/0/elements/0/confirm/confirm/text",
        "30",
    ),
    (actions({"type": "plain_text_input", "action_id": "p"}), "/blocks/0/elements/0", "not allowed in actions"),
    ({"type": "context", "elements": [mrkdwn("c")] * 11}, "/blocks/0/elements", "10 items"),
    ({"type": "context", "elements": [button("a")]}, "/blocks/0/elements/0", "not allowed in context"),
    (section(accessory=select(101)), "/blocks/0/accessory/options", "100 items"),
    (section(accessory=select(0)), "/blocks/0/accessory/options", "at least 1"),
    (section(accessory=select(1, placeholder=plain("p" * 151))), "/blocks/0/accessory/placeholder/text", "150"),
    (
        section(accessory=select(1, initial_option=option("9"))),
        "/blocks/0/accessory/initial_option",
        "one of the options",
    ),
    (
        section(accessory={**select(0), "options": [option("v", "t" * 76)]}),
        "/blocks/0/accessory/options/0/text/text",
        "75",
    ),
    (section(accessory={**select(0), "options": [option("v" * 151)]}), "/blocks/0/accessory/options/0/value", "150"),
    (
        section(accessory={**select(0), "options": [{**option("v"), "description": plain("d" * 76)}]}),
        "/blocks/0/accessory/options/0/description/text",
        "75",
    ),
    (section(accessory=boxes("checkboxes", 11)), "/blocks/0/accessory/options", "10 items"),
    (section(accessory=boxes("radio_buttons", 11)), "/blocks/0/accessory/options", "10 items"),
    (actions(boxes("overflow", 1)), "/blocks/0/elements/0/options", "at least 2"),
    (actions(boxes("overflow", 6)), "/blocks/0/elements/0/options", "5 items"),
    (actions({"type": "multi_users_select", "action_id": "m"}), "/blocks/0/elements/0", "not allowed in actions"),
    (
        actions({"type": "datepicker", "action_id": "d", "initial_date": "28.2."}),
        "/blocks/0/elements/0/initial_date",
        "YYYY",
    ),
    (
        actions({"type": "datetimepicker", "action_id": "d", "initial_date_time": 99}),
        "/blocks/0/elements/0/initial_date_time",
        "from",
    ),
    ({**IMAGE, "alt_text": ""}, "/blocks/0/alt_text", "at least 1"),
    ({"type": "image", "image_url": "https://x.example/a.png"}, "/blocks/0", "alt_text"),
    ({"type": "image", "alt_text": "a"}, "/blocks/0", "image_url and slack_file"),
    ({**IMAGE, "alt_text": "a" * 2001}, "/blocks/0/alt_text", "2000"),
    ({**IMAGE, "image_url": "javascript:1"}, "/blocks/0/image_url", "valid URL"),
    ({"type": "markdown", "text": "m" * 12_001}, "/blocks/0/text", "12000"),
    (table(101, 1), "/blocks/0/rows", "100 items"),
    (table(1, 21), "/blocks/0/rows/0", "1 to 20 cells"),
    (table(10, 10, "c" * 101), "/blocks", "10000"),
    (data_table(1, 2), "/blocks/0/rows", "at least 2"),
    (data_table(202, 1), "/blocks/0/rows", "201 items"),
    (data_table(10, 20, "c" * 101), "/blocks/0/rows", "20000"),
    (data_table(2, 2, page_size=101), "/blocks/0/page_size", "1 to 100"),
    (data_table(2, 2, row_header_column_index=2), "/blocks/0/row_header_column_index", "0 to 1"),
    ({**data_table(2, 2), "caption": None}, "/blocks/0", "caption"),
    (chart(title="t" * 51), "/blocks/0/title", "50"),
    (chart(series=7), "/blocks/0/chart/series", "6 items"),
    (chart("pie", points=7), "/blocks/0/chart/segments", "6 items"),
    (chart(points=21), "/blocks/0/chart/axis_config/categories", "20 items"),
    (chart("radar"), "/blocks/0/chart/type", "area, bar, line, pie"),
    ({"type": "plan", "title": "p", "tasks": [task("1"), task("1")]}, "/blocks/0/tasks/1/task_id", "already exists"),
    (task(status="done"), "/blocks/0/status", "in_progress"),
    (task(details="text"), "/blocks/0/details", "rich_text"),
    ({"type": "card"}, "/blocks/0", "at least one"),
    (card(body=mrkdwn("b" * 201)), "/blocks/0/body/text", "200"),
    ({"type": "carousel", "elements": [card()] * 11}, "/blocks/0/elements", "10 items"),
    (
        {"type": "container", "title": plain("t"), "child_blocks": [section()] * 11},
        "/blocks/0/child_blocks",
        "10 items",
    ),
    ({"type": "context_actions", "elements": [button("a")]}, "/blocks/0/elements/0", "not allowed in context_actions"),
    ({"type": "sparkles"}, "/blocks/0/type", "unsupported type: sparkles"),
    ({"type": "alert", "text": plain("a")}, "/blocks/0", "not allowed in message"),
    ({**section(), "block_id": "b" * 256}, "/blocks/0/block_id", "255"),
    ({"type": "rich_text", "elements": [{"type": "text", "text": "t"}]}, "/blocks/0/elements/0/type", "unsupported"),
]


@pytest.mark.parametrize("block", FINE, ids=lambda block: block["type"])
def test_what_slack_takes_passes(block: dict[str, Any]) -> None:
    assert check_message({"text": "t", "blocks": [block]}) == []


@pytest.mark.parametrize(("block", "pointer", "words"), BAD)
def test_each_limit_is_named_where_it_is_broken(block: dict[str, Any], pointer: str, words: str) -> None:
    problems = check_message({"text": "t", "blocks": [block]})
    assert any(p.pointer == pointer and words in p.message for p in problems), problems


def test_a_message_has_fifty_blocks_at_most() -> None:
    assert check_message({"blocks": [section()] * 50}) == []
    assert "50 items" in check_message({"blocks": [section()] * 51})[0].message


def test_sums_count_over_the_whole_message() -> None:
    long = {"type": "markdown", "text": "m" * 7_000}
    assert any("12000" in p.message for p in check_message({"blocks": [long, long]}))
    assert any("one table" in p.message for p in check_message({"blocks": [table(1, 1), table(1, 1)]}))
    assert any("at most 2" in p.message for p in check_message({"blocks": [chart()] * 3}))


def test_block_ids_are_unique_in_a_message() -> None:
    twice = {**section(), "block_id": "same"}
    assert check_message({"blocks": [twice, twice]})[0].pointer == "/blocks/1/block_id"


def test_text_above_the_cut_and_long_markdown_text_are_reported() -> None:
    assert check_message({"text": "t" * 40_001})[0].code == "msg_too_long"
    assert check_message({"markdown_text": "t" * 12_001})[0].code == "msg_too_long"


def test_blocks_of_attachments_are_checked_too() -> None:
    problems = check_message({"text": "t", "attachments": [{"blocks": [{"type": "nope"}]}]})
    assert problems[0].pointer == "/attachments/0/blocks/0/type"


def test_a_good_modal_passes_with_a_hundred_blocks() -> None:
    view = modal(text_input("b"), *[section()] * 99, submit=plain("Send"), private_metadata="m" * 3000, callback_id="c")
    assert check_view(view) == []


@pytest.mark.parametrize(
    ("view", "pointer", "words"),
    [
        (modal(*[section()] * 101), "/blocks", "100 items"),
        (modal(text_input("b")), "/submit", "submit"),
        ({**modal(section()), "title": plain("t" * 25)}, "/title/text", "24"),
        (modal(section(), submit=plain("s" * 25)), "/submit/text", "24"),
        (modal(section(), close=plain("s" * 25)), "/close/text", "24"),
        (modal(section(), private_metadata="m" * 3001), "/private_metadata", "3000"),
        (modal(section(), callback_id="c" * 256), "/callback_id", "255"),
        (modal(section(), hash="1.a"), "", "additional property: hash"),
        ({"type": "modal", "blocks": [section()]}, "", "title"),
        ({"type": "home", "title": plain("t"), "blocks": []}, "/type", "modal"),
        (modal(table(1, 1)), "/blocks/0", "not allowed in modal"),
        (modal({"type": "markdown", "text": "m"}), "/blocks/0", "not allowed in modal"),
        (modal({"type": "alert", "text": plain("a" * 201)}), "/blocks/0/text/text", "200"),
        (modal(text_input("b", max_length=3001), submit=plain("s")), "/blocks/0/element/max_length", "3000"),
        (
            modal(text_input("b", min_length=9, max_length=3), submit=plain("s")),
            "/blocks/0/element/min_length",
            "greater",
        ),
        (
            modal(text_input("b", initial_value="v" * 9, max_length=3), submit=plain("s")),
            "/blocks/0/element/initial_value",
            "3",
        ),
        (modal({**text_input("b"), "label": plain("l" * 2001)}, submit=plain("s")), "/blocks/0/label/text", "2000"),
        (modal({**text_input("b"), "hint": plain("l" * 2001)}, submit=plain("s")), "/blocks/0/hint/text", "2000"),
        (
            modal(text_input("a", focus_on_load=True), text_input("b", focus_on_load=True), submit=plain("s")),
            "/blocks",
            "focus_on_load",
        ),
    ],
)
def test_each_limit_of_a_modal(view: dict[str, Any], pointer: str, words: str) -> None:
    problems = check_view(view)
    assert any(p.pointer == pointer and words in p.message for p in problems), problems


def test_a_view_of_more_than_250_kilobytes_is_too_large() -> None:
    codes = {p.code for p in check_view(modal(*[section("x" * 2990)] * 90))}
    assert codes == {"view_too_large"}


def test_home_takes_tables_and_charts_but_no_date_time_picker_and_no_title() -> None:
    assert check_home({"type": "home", "blocks": [table(2, 2), chart(), section()]}) == []
    picker = {"type": "datetimepicker", "action_id": "d"}
    problems = check_home({"type": "home", "title": plain("t"), "blocks": [actions(picker)]})
    assert {p.pointer for p in problems} == {"", "/blocks/0/elements/0"}


@pytest.mark.parametrize(
    "odd", [None, 7, "text", [], [None], [7], [{}], [{"type": None}], [{"type": "section", "text": 5}]]
)
def test_nonsense_is_a_problem_or_nothing_never_an_exception(odd: Any) -> None:
    for check in (check_message, check_view, check_home):
        assert isinstance(check({"blocks": odd}), list)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all nodes of a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The payload with one node replaced."""
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = put(value[path[0]], path[1:], new)
    return copied


SMALL = [block for block in [*FINE, *(bad for bad, _, _ in BAD)] if len(str(block)) < 2_000]


@given(st.sampled_from(SMALL), st.data(), JSON)
def test_no_damaged_payload_raises(block: dict[str, Any], data: st.DataObject, odd: Any) -> None:
    damaged = put(block, data.draw(st.sampled_from(places(block))), odd)
    assert isinstance(check_message({"blocks": [damaged]}), list)
    assert isinstance(check_view(modal(damaged, submit=plain("s"))), list)
    assert isinstance(check_home({"type": "home", "blocks": [damaged]}), list)
