"""Text for Slack, pure: escaping, mentions and foreign links made harmless, Markdown to mrkdwn, long texts split.

Nothing that a person or a model wrote leaves the bot without passing `escape` or `to_mrkdwn`; `guard` is the second
lock, on whole payloads, before they go out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SECTION_LIMIT = 3000
_JOINER = "\u2060"  # word joiner: invisible, has no width, and ends Slack's recognition of names and addresses
REMOVED = "(link removed)"

# Each alternative begins where a run of its own characters begins and never gives any back, so that a long text is
# read once: without that, 40,000 characters of the right kind took half a minute.
_ADDRESS = re.compile(
    r"""(?ix)
    (?: (?<![a-z0-9+.-]) [a-z0-9+.-]*+ : \s? (?://|\\\\) | (?<![\w/:])// (?=[\w-])
      | (?<![a-z0-9])(?: (?:mailto|javascript|data|tel): (?=\S) | www\. ) )
    [^\s<>"'`|)\]}*]*+
    | (?<![\w.-]) [\w-]++ (?:\.[\w-]++)++ (?<=[a-z]{2}) (?::\d{1,5})? (?=[/\#]|\?\S) [^\s<>"'`|)\]}*]*+
    """
)
_HOST = re.compile(r"(?i)(?<=[a-z0-9_-])\.(?=[a-z][a-z-]*[a-z](?![a-z]))")
_BROADCAST = re.compile(r"(?i)@(?=here|channel|everyone)")
_HIDDEN = re.compile("[\u200b\u200c\u200e\u200f\u202a-\u202e\u2061-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Links:
    """Our own list of addresses: the only ones that may stand in anything the bot says."""

    allowed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Links:
        """All https addresses in our own content."""
        found = (m.rstrip(".,;:)]") for text in texts for m in re.findall(r"https://[^\s<>\"|]+", text))
        return cls(frozenset(found))

    def match(self, address: str) -> str | None:
        """The listed address that this is, or None. Full stops and the like at its end don't count."""
        bare = address.rstrip(".,;:!?)]")
        return bare if bare in self.allowed else None


NO_LINKS = Links()


def clean(text: str) -> str:
    """A text without control characters, lone surrogates and characters that hide or reorder others."""
    return _HIDDEN.sub("", _CONTROL.sub("", text))


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def harmless(text: str, links: Links = NO_LINKS) -> str:
    """A plain text in which nothing notifies anybody and no address but ours can be followed. Not escaped."""

    def address(match: re.Match[str]) -> str:
        ours = links.match(match[0])
        return match[0] if ours else REMOVED

    out: list[str] = []
    position = 0
    for match in _ADDRESS.finditer(clean(text)):
        out += [_unlinked(match.string[position : match.start()]), address(match)]
        position = match.end()
    out.append(_unlinked(clean(text)[position:]))
    return "".join(out)


def _unlinked(text: str) -> str:
    """Bare host names and broadcasts, broken by an invisible character."""
    return _BROADCAST.sub("@" + _JOINER, _HOST.sub("." + _JOINER, text))


def escape(text: str, links: Links = NO_LINKS) -> str:
    """A person's or a model's text as mrkdwn that shows it and does nothing else."""
    return _entities(harmless(text, links))


def quoted(text: str, links: Links = NO_LINKS) -> str:
    """A text as mrkdwn quote lines."""
    return "\n".join(f">{line}" for line in escape(text, links).splitlines() or [""])


# --- Markdown -------------------------------------------------------------------------------------------------------

_MARKDOWN_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?([^\s()<>]*)>?[^()]*\)")
_REFERENCE = re.compile(r"(?m)^\s{0,3}\[[^\]]+\]:\s*\S+.*$")
_AUTOLINK = re.compile(r"<([^<>\s]+)>")
_BOLD = re.compile(r"(?<!\*)\*\*(?=\S)(.+?)(?<=\S)\*\*(?!\*)|(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)")
_ITALIC = re.compile(r"(?<![\*\w])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\*\w])")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"^(\s*)[-*+]\s+(.*)$")
_QUOTE = re.compile(r"^\s{0,3}>\s?(.*)$")
_TABLE_RULE = re.compile(r"^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")
# Stand-ins for marks that must survive the escaping of everything else (private use, stripped from the input).
_MARK = {"link": "\ue000", "bar": "\ue001", "end": "\ue002", "bold": "\ue003"}
_STAND_INS = re.compile("[\ue000-\ue00f]")


def to_mrkdwn(markdown: str, links: Links = NO_LINKS) -> str:
    """Markdown as Slack's mrkdwn: bold, italics, lists, quotes, headings; links to our own sources only, no images."""
    text = _STAND_INS.sub("", clean(markdown)).replace("\r\n", "\n")
    text = _REFERENCE.sub("", text)
    text = _MARKDOWN_LINK.sub(lambda m: _link(m[1], m[2], links), text)
    text = _AUTOLINK.sub(lambda m: _link("", m[1], links), text)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_lines(text.split("\n"), links))).strip()


def _link(label: str, address: str, links: Links) -> str:
    ours = links.match(address)
    if not ours:
        return label or address  # an address left over here is removed with the others in the text
    return f"{_MARK['link']}{ours}{_MARK['bar']}{label or ours}{_MARK['end']}"


def _lines(lines: Sequence[str], links: Links) -> list[str]:
    return [_line(line, links) for line in lines if not (_TABLE_RULE.match(line) and "|" in line)]


def _line(line: str, links: Links) -> str:
    if heading := _HEADING.match(line):
        return f"*{_inline(heading[1].replace('*', ''), links)}*"
    if bullet := _BULLET.match(line):
        return f"{bullet[1]}• {_inline(bullet[2], links)}"
    if quote := _QUOTE.match(line):
        return f">{_inline(quote[1], links)}"
    if line.strip().startswith("|") and line.strip().endswith("|") and len(line.strip()) > 1:
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        return _inline(" · ".join(c for c in cells if c), links)
    return _inline(line, links)


def _inline(text: str, links: Links) -> str:
    text = _BOLD.sub(lambda m: f"{_MARK['bold']}{m[1] or m[2]}{_MARK['bold']}", text)
    text = _ITALIC.sub(lambda m: f"_{m[1]}_", text)
    parts = re.split(f"({_MARK['link']}.*?{_MARK['end']})", text)
    out = "".join(_anchor(p, links) if p.startswith(_MARK["link"]) else escape(p, links) for p in parts)
    return _STAND_INS.sub("", out.replace(_MARK["bold"], "*"))


def _anchor(part: str, links: Links) -> str:
    address, _, label = part.strip("\ue000\ue002").partition(_MARK["bar"])
    return f"<{address}|{escape(label, links).replace('|', '/')}>"


def source_link(address: str, label: str, links: Links) -> str:
    """A link to one of our own sources, or only its label where the address isn't on the list."""
    ours = links.match(address)
    return f"<{ours}|{escape(label).replace('|', '/')}>" if ours else escape(label)


def plain_words(mrkdwn: str) -> str:
    """Our own mrkdwn as words alone, for places that show plain text."""
    text = re.sub(r"<([^<>|]*)\|([^<>]*)>", r"\2", mrkdwn)
    text = re.sub(r"(?m)^>", "", re.sub(r"(?<!\w)[*_~](?=\S)|(?<=\S)[*_~](?!\w)", "", text))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# --- length -----------------------------------------------------------------------------------------------------------

_SEAMS = ("\n\n", "\n", ". ", " ")
_OPEN_END = re.compile(r"(?:<[^<>]*|&[a-z]{0,4})$")


def split(text: str, limit: int = SECTION_LIMIT) -> list[str]:
    """A text in pieces of at most `limit` characters, cut at paragraphs, lines, sentences or words, in that order.

    No piece ends within a link or an escape such as `&amp;`, unless a link alone is longer than the limit.
    """
    if limit < 1:
        raise ValueError(f"a piece can't have {limit} characters")
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [p for p in [*pieces, rest] if p]


def _cut(text: str, limit: int) -> int:
    for seam in _SEAMS:
        at = text.rfind(seam, limit // 3, limit - len(seam) + 1)
        if at > 0 and not _OPEN_END.search(text[:at]):
            return at + len(seam.rstrip(" "))
    open_end = _OPEN_END.search(text[:limit])
    return open_end.start() if open_end and open_end.start() > 0 else limit


def clip(text: str, limit: int) -> str:
    """A text cut to a limit, with an ellipsis where something is missing."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    open_end = _OPEN_END.search(kept)
    return (kept[: open_end.start()] if open_end else kept).rstrip() + "…"


# --- the second lock --------------------------------------------------------------------------------------------------

_LIVE = re.compile(r"<([^<>]*)>")
_DATE = re.compile(r"^!date\^\d{1,12}\^[^^|<>]{1,120}\|[^<>]{1,120}$")
_UNPARSED = frozenset({"plain_text", "text", "raw_text"})  # text objects in which Slack reads no markup
_SPOKEN = frozenset({"accessibility_label", "alt_text", "caption"})  # strings that are read out
_NOTIFIES = frozenset({"user", "usergroup", "broadcast"})  # rich text elements that do


def guard(payload: Any, links: Links) -> Any:
    """A payload in which nothing notifies anybody or leads to an address that isn't ours.

    Mentions, broadcasts and foreign links in mrkdwn lose their angle brackets; dates stay. Rich text elements that
    notify, and URLs of buttons and images that aren't ours, are dropped.
    """
    if isinstance(payload, dict):
        plain_object = payload.get("type") in _UNPARSED
        return {k: _guarded(k, v, links, plain_object) for k, v in payload.items() if _may_stay(k, v, links)}
    if isinstance(payload, list | tuple):
        return [guard(p, links) for p in payload if not (isinstance(p, dict) and p.get("type") in _NOTIFIES)]
    return payload


def _may_stay(key: str, value: Any, links: Links) -> bool:
    return not (key in {"url", "image_url", "title_url"} and isinstance(value, str) and not links.match(value))


def _guarded(key: str, value: Any, links: Links, plain_object: bool) -> Any:
    if isinstance(value, str) and key in _SPOKEN:
        return guard_plain(value, links)
    if key != "text" or not isinstance(value, str):
        return guard(value, links)
    return guard_plain(value, links) if plain_object else guard_text(value, links)


def guard_plain(text: str, links: Links) -> str:
    """Plain text, unparsed by Slack: addresses that aren't ours go, and what looks like a mention is broken up."""
    return re.sub(r"<(?=[@#!])", "<" + _JOINER, harmless(text, links))


def guard_text(text: str, links: Links) -> str:
    """A mrkdwn text with every live mention and foreign link made harmless."""
    out = _LIVE.sub(lambda m: m[0] if _is_ours(m[1], links) else f"&lt;{_foreign(m[1])}&gt;", text)
    return _BROADCAST.sub("@" + _JOINER, _outside_links(out, lambda part: _without_addresses(part, links)))


def _is_ours(inner: str, links: Links) -> bool:
    return bool(_DATE.match(inner)) or links.match(inner.partition("|")[0]) is not None


def _foreign(inner: str) -> str:
    return inner if inner[:1] in {"@", "#", "!"} else inner.partition("|")[2] or REMOVED


def _outside_links(text: str, change: Callable[[str], str]) -> str:
    return "".join(p if p.startswith("<") and p.endswith(">") else change(p) for p in re.split(r"(<[^<>]*>)", text))


def _without_addresses(text: str, links: Links) -> str:
    return _ADDRESS.sub(lambda m: m[0] if links.match(m[0]) else REMOVED, text)
