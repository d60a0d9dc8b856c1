"""The picture of a profile: a radar of the competencies and bars of the functions, drawn without a screen.

It is read on a light page, a dark one and on paper, so it brings its own ground and edge. The two levels differ in
colour (blue and orange, which no common colour blindness mixes up), in line, in marker and in hatching.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from bot.core.portrait import Portrait, Spoke

GROUND, INK, QUIET, LINE, EDGE = "#fbfaf7", "#1c2b33", "#55636b", "#d5d2ca", "#9a978f"
BLUE, ORANGE = "#0b5c8c", "#b64a09"
SIZE, DPI = (12.0, 15.6), 100  # inches, dots an inch
_FONT = "DejaVu Sans"  # comes with matplotlib, so the picture is the same on every machine
_HOLE = 0.14  # radius of nought per cent: points near the middle stay apart
_RINGS = (0, 25, 50, 75, 100)
_drawing = Lock()  # matplotlib's text layout is shared between figures


@dataclass(frozen=True, slots=True)
class _Look:
    """How one level is drawn."""

    colour: str
    dashes: str | tuple[int, tuple[int, int]]
    marker: str
    size: int  # of the marker: where both levels have the same figure, the one behind still shows
    hatch: str


_LOOKS = (_Look(BLUE, "-", "o", 15, ""), _Look(ORANGE, (0, (5, 2)), "s", 8, "///"))


def draw(portrait: Portrait) -> bytes:
    """The picture as a PNG of 1200 by 1560 pixels."""
    with _drawing:
        figure = Figure(figsize=SIZE, dpi=DPI, facecolor=GROUND)
        canvas = FigureCanvasAgg(figure)
        figure.add_artist(
            Rectangle((0, 0), 1, 1, transform=figure.transFigure, fill=False, edgecolor=EDGE, linewidth=3)
        )
        _words(figure, portrait)
        _radar(figure.add_axes((0.02, 0.37, 0.96, 0.515)), portrait.competencies)
        _bars(figure.add_axes((0.235, 0.115, 0.66, 0.215)), portrait.functions)
        out = io.BytesIO()
        canvas.print_png(out)
        return out.getvalue()


def _words(figure: Figure, portrait: Portrait) -> None:
    def say(x: float, y: float, text: str, size: float, **more: Any) -> None:
        look: dict[str, Any] = {"color": INK, "va": "top", **more}
        figure.text(x, y, text, fontsize=size, fontfamily=_FONT, **look)

    say(0.05, 0.975, portrait.title, 30, weight="bold")
    say(0.05, 0.944, portrait.subtitle, 17, color=QUIET)
    say(0.05, 0.362, portrait.heads[1], 20, weight="bold")
    say(0.05, 0.912, portrait.heads[0], 20, weight="bold")
    say(0.05, 0.078, textwrap.fill(portrait.footer, 88), 15, color=QUIET, linespacing=1.45)
    for n, (name, look) in enumerate(zip(portrait.levels, _LOOKS, strict=True)):
        x = 0.50 + 0.25 * n
        figure.add_artist(
            Rectangle(
                (x, 0.897),
                0.034,
                0.0125,
                transform=figure.transFigure,
                facecolor=look.colour if not look.hatch else GROUND,
                edgecolor=look.colour,
                hatch=look.hatch,
            )
        )
        say(x + 0.045, 0.912, name, 18)


# --- the radar --------------------------------------------------------------------------------------------------------


def _at(angle: float, share: float) -> tuple[float, float]:
    radius = _HOLE + (1 - _HOLE) * share / 100
    return radius * math.sin(angle), radius * math.cos(angle)


def _radar(axes: Axes, spokes: Sequence[Spoke]) -> None:
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-1.75, 1.75)
    axes.set_ylim(-1.22, 1.22)
    angles = [2 * math.pi * n / len(spokes) for n in range(len(spokes))]
    for ring in _RINGS:
        axes.add_patch(Polygon([_at(a, ring) for a in angles], fill=False, edgecolor=LINE, linewidth=1.4))
    for angle, spoke in zip(angles, spokes, strict=True):
        (x0, y0), (x1, y1) = _at(angle, 0), _at(angle, 100)
        axes.plot((x0, x1), (y0, y1), color=LINE, linewidth=1.4, zorder=1)
        _name(axes, angle, spoke)
    for look, values in zip(_LOOKS, ([s.foundational for s in spokes], [s.advanced for s in spokes]), strict=True):
        _outline(axes, angles, values, look)
    for ring in _RINGS:  # the figures stand on the rings halfway between two spokes, on top of everything
        (x0, y0), (x1, y1) = _at(angles[0], ring), _at(angles[-1], ring)
        axes.text(
            (x0 + x1) / 2,
            (y0 + y1) / 2,
            f"{ring}",
            fontsize=13,
            fontfamily=_FONT,
            color=QUIET,
            ha="center",
            va="center",
            zorder=5,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": GROUND, "edgecolor": "none", "alpha": 0.85},
        )


def _outline(axes: Axes, angles: Sequence[float], values: Sequence[int | None], look: _Look) -> None:
    """The known points, joined where they are neighbours; a gap stays a gap."""
    feet = [_at(angle, 0) for angle in angles]
    points = [None if v is None else _at(a, v) for a, v in zip(angles, values, strict=True)]
    for n, here in enumerate(points):
        then = (n + 1) % len(points)
        after = points[then]
        if here and after:
            area = (feet[n], here, after, feet[then])
            axes.add_patch(Polygon(area, closed=True, facecolor=look.colour, alpha=0.10, linewidth=0))
            _stroke(axes, here, after, look)
        elif here and not points[n - 1]:
            _stroke(axes, feet[n], here, look)
    known = [p for p in points if p]
    if known:
        x, y = zip(*known, strict=True)
        axes.plot(x, y, look.marker, color=look.colour, markersize=look.size, markeredgecolor=GROUND, zorder=4)


def _stroke(axes: Axes, start: tuple[float, float], end: tuple[float, float], look: _Look) -> None:
    axes.plot(*zip(start, end, strict=True), color=look.colour, linestyle=look.dashes, linewidth=3.2, zorder=3)


def _name(axes: Axes, angle: float, spoke: Spoke) -> None:
    x, y = 1.09 * math.sin(angle), 1.09 * math.cos(angle)
    side = "center" if abs(x) < 0.12 else "left" if x > 0 else "right"  # noqa: PLR2004 - nearly straight up or down
    height = "bottom" if y > 1 else "top" if y < -1 else "center"
    words = textwrap.fill(spoke.label, 18 if side == "center" else 16, break_long_words=False)
    text = f"{words}\n({spoke.note})" if spoke.note else words
    axes.text(
        x,
        y,
        text,
        fontsize=16,
        fontfamily=_FONT,
        color=QUIET if spoke.note else INK,
        style="italic" if spoke.note else "normal",
        ha=side,
        va=height,
        linespacing=1.2,
    )


# --- the bars ---------------------------------------------------------------------------------------------------------


def _bars(axes: Axes, spokes: Sequence[Spoke]) -> None:
    axes.set_facecolor(GROUND)
    axes.set_xlim(0, 100)
    axes.set_ylim(len(spokes) - 0.4, -0.6)
    axes.set_yticks(range(len(spokes)), [s.label for s in spokes])
    axes.set_xticks(_RINGS, [f"{r} %" for r in _RINGS])
    axes.tick_params(length=0, labelcolor=INK, labelsize=18, labelfontfamily=_FONT)
    axes.tick_params(axis="x", labelcolor=QUIET, labelsize=14)
    axes.grid(visible=True, axis="x", color=LINE, linewidth=1.4)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    for row, spoke in enumerate(spokes):
        _pair(axes, row, spoke)


def _pair(axes: Axes, row: int, spoke: Spoke) -> None:
    if spoke.note:
        axes.text(1, row, spoke.note, fontsize=16, fontfamily=_FONT, color=QUIET, style="italic", va="center")
        return
    for n, (value, look) in enumerate(zip((spoke.foundational, spoke.advanced), _LOOKS, strict=True)):
        if value is None:
            continue
        middle = row - 0.19 + 0.38 * n
        axes.barh(
            middle,
            max(value, 0.6),  # nought is seen as a thin edge, not as nothing
            height=0.33,
            facecolor=look.colour if not look.hatch else GROUND,
            edgecolor=look.colour,
            hatch=look.hatch,
            linewidth=1.5,
        )
        axes.text(max(value, 0.6) + 1.5, middle, f"{value}", fontsize=14, fontfamily=_FONT, color=INK, va="center")
