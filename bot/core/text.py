"""Text as people type it, made comparable: pure helpers shared by retrieval, triage and the router."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 4000  # of one message; what lies beyond adds nothing to a coach's understanding

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufe0e\ufe0f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")

STOP_WORDS = frozenset(
    """a about above after again all also am an and any are aren't as at be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from
    further get got had has have haven't having he her here hers him his how i i'd i'll i'm i've if in into is isn't it
    it's its itself just let's like me more most my myself no nor not now of off on once only or other our ours out over
    own really same she should so some such than that that's the their them then there these they they're this those
    through to too under until up us very was we we're we've were what what's when where which while who why will with
    won't would you you're your yours""".split()
)


def clean(text: str) -> str:
    """The text without what can't be seen, typography folded, white space single, at most MAX_CHARS long."""
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    text = text.encode("utf-8", "ignore").decode("utf-8")  # lone surrogates go
    text = _CONTROL.sub(" ", _INVISIBLE.sub("", text))
    return " ".join(text.split())[:MAX_CHARS]


def writable(text: str) -> str:
    """The text as it can be written down: lone surrogates, which no encoding takes, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def words(text: str) -> list[str]:
    """The lower-case words of a cleaned text, in order, apostrophes kept."""
    return _WORD.findall(text.lower())


def content_words(text: str) -> list[str]:
    """The words that carry meaning, in order."""
    return [w for w in words(text) if w not in STOP_WORDS and (len(w) > 1 or w.isdigit())]
