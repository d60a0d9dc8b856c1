"""Finds the paper's paragraphs in a document of any format by the hashes of their words.

A conversion may split a paragraph in two, run two together, or lose a heading; the words stay. So the document is
read as one stream of words, in which each known paragraph is a window of known length and hash. What a format altered
(a page number within a paragraph, a word hyphenated) is placed by its neighbours; `paper.recognise` stands in where
the words are another text's.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.core.paper import (
    TITLE,
    KnownParagraph,
    PaperParagraph,
    Recognition,
    digest_of_words,
    is_between,
    recognise,
    words_of,
)

_WORD = re.compile(r"[a-z0-9]+")
_LONG = 12  # words from which a paragraph's hash is worth a search of its own
_SHORT = 5  # words below which a paragraph might be part of another's sentence
_ENOUGH = 0.3  # of the long paragraphs at a block's start: the blocks are paragraphs, more or less
_PARAGRAPH = 25  # words; less before or behind the paper is a menu, a button, a line of the publisher's
_SIMILAR = (0.5, 2.0)  # of the expected words: an altered paragraph, not something else
_REPEATED = 3  # the same words so often between paragraphs are a running head
_MIN_HEADINGS = 8  # in the paper's order, without its title: worth a look
_TITLE_WORDS = " ".join(words_of(TITLE))


@dataclass(frozen=True, slots=True)
class _Span:
    """A known paragraph found: its place in the list, and its words' positions in the stream."""

    known: int
    start: int
    end: int


class _Stream:
    """The words of all blocks in a row, each with its block and its place there."""

    def __init__(self, blocks: Sequence[str]) -> None:
        self.blocks = [unicodedata.normalize("NFC", " ".join(block.split())) for block in blocks]
        self.words: list[str] = []
        self.block: list[int] = []
        self.at: list[tuple[int, int]] = []  # first character and the one after the last
        for number, text in enumerate(self.blocks):
            self._take(number, text)

    def _take(self, number: int, text: str) -> None:
        folded: list[str] = []
        origin: list[int] = []
        for place, character in enumerate(text):
            for piece in unicodedata.normalize("NFKC", character).lower():
                folded.append(piece)
                origin.append(place)
        for match in _WORD.finditer("".join(folded)):
            self.words.append(match.group())
            self.block.append(number)
            self.at.append((origin[match.start()], origin[match.end() - 1] + 1))

    def starts(self) -> list[int]:
        """Positions at which a paragraph may begin: a block's first word, or its second after a number or letter."""
        firsts = [n for n in range(len(self.words)) if n == 0 or self.block[n] != self.block[n - 1]]
        seconds = [n + 1 for n in firsts if len(self.words[n]) <= 2]  # noqa: PLR2004 - "1", "10", "a"
        return sorted({*firsts, *(n for n in seconds if n < len(self.words))})

    def text(self, start: int, end: int) -> str:
        """The document's own text of words start to end (exclusive), with the punctuation that clings to them."""
        parts: list[str] = []
        for number in range(self.block[start], self.block[end - 1] + 1):
            own = [n for n in range(start, end) if self.block[n] == number]
            if own:
                parts.append(self._clip(number, own[0], own[-1]))
        return " ".join(parts)

    def _clip(self, number: int, first: int, last: int) -> str:
        block = self.blocks[number]
        begin, finish = self.at[first][0], self.at[last][1]
        while begin > 0 and block[begin - 1] in "\"'“‘([":
            begin -= 1
        following = self.at[last + 1][0] if last + 1 < len(self.at) and self.block[last + 1] == number else len(block)
        tail = re.match(r"\S*", block[finish:following])
        return block[begin : finish + (tail.end() if tail else 0)]


def place(blocks: Sequence[str], known: Mapping[str, KnownParagraph]) -> Recognition:
    """Assign a document's blocks to the paper's paragraphs; where it isn't the paper, what its headings gave."""
    by_headings = recognise(blocks)
    if not known or not _worth_a_look(blocks, by_headings):
        return by_headings
    order = list(known.values())
    stream = _Stream(blocks)
    spans = _fill_gaps(stream, order, _anchors(stream, order))
    if len(spans) * 2 < len(order):
        return by_headings
    placed = {span.known: stream.text(span.start, span.end) for span in spans}
    unplaced = _place_leftovers(stream, order, spans, placed)
    paragraphs = tuple(
        PaperParagraph(order[k].locator, order[k].locator.partition(":")[0], placed[k]) for k in sorted(placed)
    )
    missing = tuple(p.locator for k, p in enumerate(order) if k not in placed)
    return Recognition(paragraphs, by_headings.headings_found, tuple(unplaced), len(spans), missing)


def _worth_a_look(blocks: Sequence[str], by_headings: Recognition) -> bool:
    return by_headings.headings_found >= _MIN_HEADINGS or _TITLE_WORDS in " ".join(words_of(" ".join(blocks)))


def _anchors(stream: _Stream, order: Sequence[KnownParagraph]) -> list[_Span]:
    """The long paragraphs that stand in the stream, in order; every position is tried where few begin a block."""
    long = [k for k, paragraph in enumerate(order) if paragraph.words >= _LONG]
    found = _find_long(stream, order, long, stream.starts())
    if len(found) < _ENOUGH * len(long):
        found = _find_long(stream, order, long, range(len(stream.words)))
    return found


def _find_long(
    stream: _Stream, order: Sequence[KnownParagraph], long: Sequence[int], starts: Sequence[int]
) -> list[_Span]:
    by_length: dict[int, dict[str, int]] = defaultdict(dict)
    for k in long:
        by_length[order[k].words][order[k].digest] = k
    found: list[_Span] = []
    for start in starts:
        for length, digests in by_length.items():
            if start + length <= len(stream.words):
                known = digests.get(digest_of_words(stream.words[start : start + length]))
                if known is not None:
                    found.append(_Span(known, start, start + length))
    return _in_order(found)


def _in_order(found: Sequence[_Span]) -> list[_Span]:
    """The most spans that keep the list's order (the longest increasing run), so that a repeat can't derail it."""
    found = sorted(found, key=lambda s: (s.start, -s.known))
    tails: list[int] = []  # the smallest last place in the list, by length of run
    ends: list[int] = []
    before: list[int] = []
    for n, span in enumerate(found):
        length = bisect_left(tails, span.known)
        before.append(ends[length - 1] if length else -1)
        if length == len(tails):
            tails.append(span.known)
            ends.append(n)
        else:
            tails[length], ends[length] = span.known, n
    run: list[_Span] = []
    n = ends[-1] if ends else -1
    while n >= 0:
        if not run or found[n].end <= run[-1].start:
            run.append(found[n])
        n = before[n]
    return run[::-1]


def _fill_gaps(stream: _Stream, order: Sequence[KnownParagraph], anchors: Sequence[_Span]) -> list[_Span]:
    """Anchors and, between each two, the other paragraphs that the list expects there, in its order."""
    starts = stream.starts()
    edges = [_Span(-1, 0, 0), *anchors, _Span(len(order), len(stream.words), len(stream.words))]
    spans: list[_Span] = []
    for left, right in pairwise(edges):
        at = left.end
        for k in range(left.known + 1, right.known):
            found = _find_one(stream, order[k], k, range(at, right.start), starts)
            if found:
                spans.append(found)
                at = found.end
    return sorted([*anchors, *spans], key=lambda s: s.start)


def _find_one(stream: _Stream, wanted: KnownParagraph, k: int, gap: range, starts: Sequence[int]) -> _Span | None:
    """One paragraph within a gap: a very short one only where a paragraph may begin, lest it be a mere word."""
    at, last = gap.start, gap.stop - wanted.words
    begins = [at, at + 1, *starts[bisect_left(starts, at) : bisect_left(starts, last + 1)]]
    anywhere = range(at, last + 1) if wanted.words >= _SHORT else ()
    for start in (*begins, *anywhere):
        if start <= last and digest_of_words(stream.words[start : start + wanted.words]) == wanted.digest:
            return _Span(k, start, start + wanted.words)
    return None


def _place_leftovers(
    stream: _Stream, order: Sequence[KnownParagraph], spans: Sequence[_Span], placed: dict[int, str]
) -> list[str]:
    """Give what stands between two found paragraphs to those that the list misses there; the rest comes back."""
    edges = [_Span(-1, 0, 0), *spans, _Span(len(order), len(stream.words), len(stream.words))]
    gaps = [(left, right, _runs(stream, left.end, right.start)) for left, right in pairwise(edges)]
    repeated = Counter(" ".join(words_of(run)) for _, _, runs in gaps for run in runs)
    unplaced: list[str] = []
    for left, right, all_runs in gaps:
        runs = [run for run in all_runs if repeated[" ".join(words_of(run))] < _REPEATED]
        wanted = [k for k in range(left.known + 1, right.known) if k not in placed]
        rest = _share_out(runs, [order[k] for k in wanted])
        placed.update({k: text for k, text in zip(wanted, rest.given, strict=True) if text})
        outside = left.known < 0 or right.known == len(order)  # where a page shows its menu, or other texts to read
        unplaced += [run for run in rest.left if not outside or len(words_of(run)) >= _PARAGRAPH]
    return unplaced


def _runs(stream: _Stream, start: int, end: int) -> list[str]:
    """The unclaimed text between two positions, block by block, without headings, labels, numbers and furniture."""
    runs: list[str] = []
    if is_between(stream.words[start:end]):
        return runs
    while start < end:
        stop = start + 1
        while stop < end and stream.block[stop] == stream.block[start]:
            stop += 1
        if not is_between(stream.words[start:stop]):
            runs.append(stream.text(start, stop))
        start = stop
    return runs


@dataclass(frozen=True, slots=True)
class _Shared:
    given: list[str]  # one a wanted paragraph, empty where nothing was like it
    left: list[str]


def _share_out(runs: Sequence[str], wanted: Sequence[KnownParagraph]) -> _Shared:
    given = [""] * len(wanted)
    left: list[str] = []
    target = 0
    for run in runs:
        joined = f"{given[target]} {run}".strip() if target < len(wanted) else ""
        while target < len(wanted) and given[target] and not _fits(joined, wanted[target], _SIMILAR[1]):
            target += 1
            joined = run if target < len(wanted) else ""
        if target >= len(wanted) or not _fits(joined, wanted[target], _SIMILAR[1]):
            left.append(run)
            continue
        given[target] = joined
        if len(words_of(joined)) >= wanted[target].words:
            target += 1
    for n, paragraph in enumerate(wanted):
        if given[n] and len(words_of(given[n])) < _SIMILAR[0] * paragraph.words:
            left.append(given[n])
            given[n] = ""
    return _Shared(given, left)


def _fits(text: str, paragraph: KnownParagraph, most: float) -> bool:
    return len(words_of(text)) <= most * paragraph.words
