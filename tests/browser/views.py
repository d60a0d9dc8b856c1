"""Views and blocks that the scripted bot shows."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str) -> Json:
    return {"text": plain(text), "value": value}


def self_check(note: str = "Two minutes.") -> Json:
    """A modal with one of each kind of input that the coach uses."""
    element = {"type": "plain_text_input", "action_id": "words", "multiline": True, "max_length": 300}
    rating = {
        "type": "radio_buttons",
        "action_id": "level",
        "options": [option("Not yet", "1"), option("On my own", "2")],
    }
    focus = {
        "type": "static_select",
        "action_id": "unit",
        "placeholder": plain("Choose"),
        "options": [option("Develop a team", "C1"), option("Assess barriers", "C4")],
    }
    return {
        "type": "modal",
        "callback_id": "check",
        "title": plain("Self-check"),
        "submit": plain("Save"),
        "close": plain("Not now"),
        "blocks": [
            {"type": "section", "block_id": "note", "text": mrkdwn(note)},
            {"type": "input", "block_id": "unit", "label": plain("Competency"), "element": focus},
            {"type": "input", "block_id": "level", "label": plain("How true is this?"), "element": rating},
            {"type": "input", "block_id": "example", "label": plain("One example"), "element": element},
        ],
    }


CATEGORIES = ["C1", "C4", "C9"]


def series(name: str, *values: float) -> Json:
    return {
        "name": name,
        "data": [{"label": label, "value": value} for label, value in zip(CATEGORIES, values, strict=True)],
    }


def profile_chart(kind: str = "bar") -> Json:
    chart = {
        "type": kind,
        "series": [series("Now", 3, 2, 4), series("In August", 1, 2, 2)],
        "axis_config": {"categories": CATEGORIES, "y_label": "Level"},
    }
    return {"type": "data_visualization", "title": "Where you stand", "chart": chart}


def score_table(rows: int = 7) -> Json:
    head = [{"type": "raw_text", "text": text} for text in ("Competency", "Score")]
    body = [
        [
            {"type": "raw_text", "text": f"C{n}"},
            {"type": "raw_number", "value": (n * 4) % 11, "text": str((n * 4) % 11)},
        ]
        for n in range(1, rows + 1)
    ]
    return {"type": "data_table", "caption": "Scores", "page_size": 3, "rows": [head, *body]}
