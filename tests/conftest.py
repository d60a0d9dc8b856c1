"""Rows of the fault table: a test marked `fault("S3")` prints its figure at the end, and can be run alone by its row."""

from __future__ import annotations

import pytest


def pytest_addoption(parser):
    parser.addoption("--fault-row", default="", help="Run only tests of this row of the fault table, e.g. S6.")
    parser.addoption("--shots", default="", help="A folder for the pictures that the browser stories take.")


def pytest_collection_modifyitems(config, items):
    row = config.getoption("--fault-row").strip().upper()
    if not row:
        return
    rows = {item: {name for mark in item.iter_markers("fault") for name in mark.args} for item in items}
    kept = [item for item in items if row in rows[item]]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def full(request):
    """Whether a row is run at its full size: under `make faults`, not under `make test`."""
    return request.config.getoption("markexpr") == "fault"


@pytest.fixture
def figure(record_property, request):
    """Note a figure of this test's row, such as `figure("100 of 100 answered once")`."""
    rows = "/".join(name for mark in request.node.iter_markers("fault") for name in mark.args)
    return lambda words: record_property("figure", f"{rows or request.node.name}: {words}")


@pytest.fixture
def progress(request, full):
    """Say how far a long row is, at once, such as `progress("round 3 of 20: 0 lost")`; nothing under `make test`."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    if not full or reporter is None or capture is None:
        return lambda words: None

    def say(words):
        with capture.global_and_fixture_disabled():  # else it would stand among the test's own output, at its end
            reporter.ensure_newline()
            reporter.write_line(f"  {words}")
            reporter.flush()

    return say


def pytest_terminal_summary(terminalreporter):
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, []) if r.when == "call"]
    found = sorted(
        {(words, report.outcome) for report in reports for name, words in report.user_properties if name == "figure"}
    )
    if found:
        terminalreporter.section("figures")
        for words, outcome in found:
            terminalreporter.write_line(words if outcome == "passed" else f"{words}  (FAILED)")
