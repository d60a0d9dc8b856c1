"""The bench prints honest figures: ratios, bounds, and what was not measured."""

from __future__ import annotations

import json
import sys

import pytest

from bench import bench


def row(ours, baseline, bound=None, name="r"):
    return bench.Row(name, ours, "b", baseline, "ms", bound)


@pytest.mark.parametrize(("ours", "baseline", "ratio"), [(10, 5, 2), (10, None, None), (None, 5, None), (10, 0, None)])
def test_a_ratio_needs_both_sides(ours, baseline, ratio):
    assert row(ours, baseline).ratio == ratio


def test_a_bound_is_missed_by_a_figure_over_it_or_by_none_and_told_once():
    rows = [
        row(10, 1, 20, "fine"),
        row(30, 1, 20, "slow"),
        row(30, 2, 20, "slow"),
        row(None, 1, 20, "lost"),
        row(99, 1),
    ]
    assert bench.missed_bounds(rows) == ["slow", "lost"]


def test_import_time_counts_what_a_start_imports():
    # The quickest of a few each, since a machine with other work slows a single one down.
    more, less = (
        min(bench._import_seconds("-c", code) for _ in range(5)) for code in ("import decimal, email.message", "pass")
    )
    assert more > less > 0


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_the_bench_prints_a_table_or_json_and_fails_on_a_missed_bound(monkeypatch, capsys, arguments):
    monkeypatch.setattr(bench, "startup", lambda: iter([row(30, 10, 20, "slow"), row(1, None, None, "odd")]))
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "startup", *arguments])
    with pytest.raises(SystemExit) as leaving:
        bench.main()
    out = capsys.readouterr()
    assert leaving.value.code == 1
    assert out.err == "Over its bound: slow\n"
    if arguments:
        assert [r["ratio"] for r in json.loads(out.out)["rows"]] == [3, None]
    else:
        assert "3.00" in out.out
        assert "not measured" in out.out
