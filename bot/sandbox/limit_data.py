"""Limits of the blocks that hold data: tables and charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.limit_findings import Findings, Surface, type_of

TABLE_ROWS, TABLE_COLUMNS = 100, 20
DATA_ROWS, DATA_COLUMNS, DATA_CHARS = (2, 201), 20, 20_000
CHART_PARTS = 6  # segments or series: the smaller figure where sources disagree
CHART_CATEGORIES, CHART_LABEL = 20, 20
_CELLS = frozenset({"raw_text", "rich_text", "raw_number"})


def check_table(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    """A table block."""
    findings.sums["tables"] += 1
    for index, row in enumerate(findings.items(block, "rows", 1, TABLE_ROWS)):
        with findings.at("rows", index):
            findings.sums["table"] += _row(findings, row, TABLE_COLUMNS)
    for index, column in enumerate(findings.items(block, "column_settings", 0, TABLE_COLUMNS, needed=False)):
        with findings.at("column_settings", index):
            if isinstance(column, Mapping):
                findings.keys(column, {"align", "is_wrapped"})
                findings.choice(column, "align", {"left", "center", "right"})


def check_data_table(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    """A data_table block: the first row is its header."""
    findings.string(block, "caption", 255, needed=True)
    findings.number(block, "page_size", 1, 100)
    rows = findings.items(block, "rows", *DATA_ROWS)
    chars = 0
    for index, row in enumerate(rows):
        with findings.at("rows", index):
            chars += _row(findings, row, DATA_COLUMNS, header=index == 0)
    lengths = {len(row) for row in rows if isinstance(row, list)}
    if len(lengths) > 1:
        findings.add("/rows", "all rows must have the same number of cells")
    findings.number(block, "row_header_column_index", 0, max([*lengths, 1]) - 1)
    if chars > DATA_CHARS:
        findings.add("/rows", f"cells hold {chars} characters in all; at most {DATA_CHARS}")


def _row(findings: Findings, row: Any, columns: int, *, header: bool = False) -> int:
    """Check a row; how many characters it holds."""
    if not isinstance(row, list):
        findings.add("", "must be an array of cells")
        return 0
    if not 1 <= len(row) <= columns:
        findings.add("", f"must have 1 to {columns} cells, has {len(row)}")
    chars = 0
    for index, cell in enumerate(row):
        with findings.at(index):
            chars += _cell(findings, cell, header=header)
    return chars


def _cell(findings: Findings, cell: Any, *, header: bool) -> int:
    kind = type_of(cell)
    if kind not in _CELLS or (header and kind == "rich_text"):
        findings.add("/type", f"unsupported type: {kind}")
        return 0
    if kind == "raw_text" and not (isinstance(cell.get("text"), str) and cell["text"]):
        findings.add("/text", "must be at least 1 characters")
    if kind == "raw_number" and (isinstance(cell.get("value"), bool) or not isinstance(cell.get("value"), int | float)):
        findings.add("/value", "must be a number")
    return len(_text(cell))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        own = value.get("text") if isinstance(value.get("text"), str) else ""
        number = str(value["value"]) if value.get("type") == "raw_number" and "value" in value else ""
        return f"{own}{number}{_text(value.get('elements'))}"
    return ""


def check_chart(findings: Findings, block: Mapping[str, Any], _surface: Surface) -> None:
    """A data_visualization block."""
    findings.sums["charts"] += 1
    findings.string(block, "title", 50, needed=True)
    chart = block.get("chart")
    if not isinstance(chart, Mapping):
        findings.add("", "missing required field: chart")
        return
    with findings.at("chart"):
        kind = type_of(chart)
        if kind == "pie":
            findings.keys(chart, {"type", "segments"})
            _points(findings, chart, "segments", CHART_PARTS, above_zero=True)
        elif kind in {"bar", "line", "area"}:
            findings.keys(chart, {"type", "series", "axis_config"})
            _axes(findings, chart)
        else:
            findings.add("/type", "must be one of area, bar, line, pie")


def _axes(findings: Findings, chart: Mapping[str, Any]) -> None:
    axis = chart.get("axis_config")
    categories: list[Any] = []
    if not isinstance(axis, Mapping):
        findings.add("", "missing required field: axis_config")
    else:
        with findings.at("axis_config"):
            findings.keys(axis, {"categories", "x_label", "y_label"})
            findings.string(axis, "x_label", 50)
            findings.string(axis, "y_label", 50)
            categories = findings.items(axis, "categories", 1, CHART_CATEGORIES)
            for index, label in enumerate(categories):
                if not isinstance(label, str) or not 1 <= len(label) <= CHART_LABEL:
                    findings.add(f"/categories/{index}", f"must be a string of 1 to {CHART_LABEL} characters")
    names: set[Any] = set()
    for index, series in enumerate(findings.items(chart, "series", 1, CHART_PARTS)):
        with findings.at("series", index):
            _series(findings, series, categories, names)


def _series(findings: Findings, series: Any, categories: list[Any], names: set[Any]) -> None:
    if not isinstance(series, Mapping):
        findings.add("", "must be a data series")
        return
    findings.keys(series, {"name", "data"})
    findings.string(series, "name", CHART_LABEL, needed=True)
    name = str(series.get("name"))
    if name in names:
        findings.add("/name", "series names must be unique")
    names.add(name)
    points = _points(findings, series, "data", CHART_CATEGORIES)
    if categories and sorted(str(point.get("label")) for point in points) != sorted(map(str, categories)):
        findings.add("/data", "labels must match the categories of axis_config")


def _points(
    findings: Findings, owner: Mapping[str, Any], key: str, most: int, *, above_zero: bool = False
) -> list[Mapping[str, Any]]:
    good: list[Mapping[str, Any]] = []
    for index, point in enumerate(findings.items(owner, key, 1, most)):
        with findings.at(key, index):
            if not isinstance(point, Mapping):
                findings.add("", "must be an object with label and value")
                continue
            findings.keys(point, {"label", "value"})
            findings.string(point, "label", CHART_LABEL, needed=True)
            value = point.get("value")
            if isinstance(value, bool) or not isinstance(value, int | float) or (above_zero and value <= 0):
                findings.add("/value", "must be a number" + (" above zero" if above_zero else ""))
            good.append(point)
    return good
