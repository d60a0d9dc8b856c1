"""The source of a statement: its passage in a modal, labelled as our wording or as a quotation."""

from __future__ import annotations

import re

from bot.core.answer import Citation
from bot.core.framework import Knowledge, Passage
from bot.core.wording import Wording
from bot.slack.ask import answer_of
from bot.slack.blocks import context, divider, header, modal, plain_context, sections
from bot.slack.deps import Deps
from bot.slack.mrkdwn import Links, escape, quoted, source_link
from bot.slack.payloads import Click
from bot.slack.registry import Registration, on_click
from bot.slack.replies import Block, Reply, View, say

_LOCATOR = re.compile(r"^(?P<unit>.+):p(?P<number>\d+)$")
_SHOWN_PLACES = 4


def open_source(request: Click, deps: Deps) -> Reply | None:
    """Open the passage behind a source button. Anybody who sees the answer may; the quote is the asker's."""
    exchange_id, _, passage_id = request.value.partition("|")
    passage = deps.coach.passage(passage_id, request.member.team_id)
    if passage is None:
        return say(deps.wording("slack.source.gone"))
    citation = _citation(request, exchange_id, deps)
    view = passage_modal(passage, citation, deps.coach.knowledge, deps.wording, deps.links)
    if request.on.view_type == "modal":
        deps.slack.push_view(request, view)
    else:
        deps.slack.open_view(request, view)
    return None


def _citation(request: Click, exchange_id: str, deps: Deps) -> Citation | None:
    marker = request.action_id.rpartition(":")[2]
    exchange = deps.repositories.exchanges.get(exchange_id, request.member) if exchange_id else None
    answer = answer_of(exchange) if exchange else None
    if answer is None:
        return None
    return next((c for c in answer.citations if str(c.marker) == marker), None)


def passage_modal(
    passage: Passage, citation: Citation | None, knowledge: Knowledge, wording: Wording, links: Links
) -> View:
    """A passage: what it is about, the sentences cited, where it stands, whose words they are."""
    title = f"Source [{citation.marker}]" if citation else "Source"
    unit = passage.title if passage.unit.startswith(("P-", "D-")) else f"{passage.unit} {passage.title}"
    level = f" · {passage.level} level" if passage.level else ""
    blocks: list[Block] = [header(passage.heading), plain_context(f"{unit}{level}")]
    quote = citation.quote if citation else passage.text
    blocks += sections(quoted(quote, links))
    blocks.append(plain_context(whose_words(passage, wording)))
    if quote.strip() != passage.text.strip():
        whole = wording("slack.source.whole")
        blocks += [divider(), *sections(f"*{whole}*\n{escape(passage.text, links)}")]
    blocks += _where(passage, knowledge, wording, links)
    return modal(title, blocks)


def whose_words(passage: Passage, wording: Wording) -> str:
    """The label that says whether the words are the source's or ours."""
    if passage.source.startswith("D-"):
        return wording("slack.source.document", title=passage.title)
    return wording("slack.source.original" if passage.verbatim else "slack.source.ours")


def _where(passage: Passage, knowledge: Knowledge, wording: Wording, links: Links) -> list[Block]:
    places = [escape(p) for p in locator_words(passage, knowledge, wording)]
    blocks: list[Block] = []
    if places:
        blocks.append(context(wording("slack.source.where", places="; ".join(places))))
    address = paper_address(knowledge)
    if address and not passage.source.startswith("D-"):
        blocks.append(context(source_link(address, "Read the white paper", links)))
    return blocks


def locator_words(passage: Passage, knowledge: Knowledge, wording: Wording) -> list[str]:
    """Where a passage stands in the paper, in words, for the first few of its paragraphs; each section named once."""
    found = [m for m in map(_LOCATOR.match, passage.locators) if m]
    numbers: dict[str, list[str]] = {}
    for m in found[:_SHOWN_PLACES]:
        numbers.setdefault(knowledge.title(m["unit"]), []).append(m["number"])
    return [_place(section, inside, wording) for section, inside in numbers.items()]


def _place(section: str, numbers: list[str], wording: Wording) -> str:
    if len(numbers) == 1:
        return wording("slack.source.place", section=section, number=numbers[0])
    listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
    return wording("slack.source.places", section=section, numbers=listed)


def paper_address(knowledge: Knowledge) -> str | None:
    """The paper's own address, as the part on how to cite it gives it."""
    part = knowledge.parts.get("P-CITE")
    statements = (s.text for section in part.sections for s in section.statements) if part else ()
    addresses = sorted(Links.of(statements).allowed)
    return addresses[0] if addresses else None


REGISTRATIONS: tuple[Registration, ...] = (on_click("source.open", open_source),)
