"""Native charts and tables of figures: pure builders that keep Slack's limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.slack.mrkdwn import clip
from bot.slack.replies import Block

CATEGORIES = 20
_SERIES = 6
_TITLE, _LABEL, _AXIS = 50, 20, 50
_ROWS, _CHARACTERS, _CELL = 100, 9_500, 300


def chart(
    kind: str,
    title: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    y_label: str,
    x_label: str,
) -> Block:
    """A "bar" or "line" chart: `series` has a figure for each category, at most 20 of them, all different."""
    labels = [clip(c, _LABEL) for c in categories[:CATEGORIES]]
    return {
        "type": "data_visualization",
        "title": clip(title, _TITLE),
        "chart": {
            "type": kind,
            "series": [
                {
                    "name": clip(name, _LABEL),
                    "data": [{"label": label, "value": value} for label, value in zip(labels, values, strict=False)],
                }
                for name, values in list(series.items())[:_SERIES]
            ],
            "axis_config": {"categories": labels, "x_label": clip(x_label, _AXIS), "y_label": clip(y_label, _AXIS)},
        },
    }


def table(rows: Sequence[Sequence[str]]) -> Block:
    """A table whose first row is its header and whose first column may be long."""
    kept: list[Sequence[str]] = []
    left = _CHARACTERS
    for row in rows[:_ROWS]:
        left -= sum(min(len(cell), _CELL) for cell in row)
        if left < 0:
            break
        kept.append(row)
    return {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": clip(cell, _CELL) or "\u2013"} for cell in row] for row in kept],
        "column_settings": [{"is_wrapped": True}],
    }
