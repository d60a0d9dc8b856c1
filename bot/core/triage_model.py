"""Bringing a model's view of a message together with the local classifier's. Pure."""

from __future__ import annotations

from bot.core import triage
from bot.core.drafts import TriageDraft
from bot.core.evidence import Classification
from bot.core.framework import COMPETENCIES, Knowledge
from bot.core.text import clean
from bot.core.triage import Triage, TriageView

CHOICES = frozenset({*COMPETENCIES, "none"})
_SHARE = 0.6  # of the ranking that the model's view decides
_SECOND = 0.25  # of the model's part that its runner-up has
_CONTENDERS = 3  # places of the local ranking in which the model may settle a close call
_NONE = 0.2  # least local chance of "none" at which the model's "none" counts


def competencies_block(knowledge: Knowledge) -> str:
    """The ten, as the prompt lists them."""
    units = (knowledge.units[c] for c in COMPETENCIES)
    return "\n".join(f"{u.code} {u.title}: {u.definition.text}" for u in units)


def view_of(found: Triage) -> TriageView:
    """The local view, as it was."""
    second = found.ranking[1][0] if len(found.ranking) > 1 else None
    return TriageView(by="local", outcome=found.outcome, competency=found.competency, second=second)


def combine(local: Triage, draft: TriageDraft, *, model: str, prompt: str, knowledge: Knowledge, text: str) -> Triage:
    """One triage of both views. The model settles what the classifier left open; it can't overturn it alone."""
    outcome: triage.TriageOutcome = "none" if draft.competency == "none" else "match" if draft.sure else "close_call"
    theirs = TriageView(
        by="model",
        outcome=outcome,
        competency=None if outcome == "none" else draft.competency,
        second=draft.second,
        prompt=prompt,
    )
    noted = {"mode": "model", "model": model, "views": (view_of(local), theirs)}
    if draft.competency == "none":
        return (_as_none(local) if local.p_none >= _NONE else local).model_copy(update=noted)
    mixed = _mixed(local, draft)
    contenders = [code for code, _ in local.ranking[:_CONTENDERS]]
    settled = draft.sure and draft.competency in contenders
    view = Classification(
        competencies=mixed,
        p_none=min(local.p_none, triage.Bars().none - 0.01),
        functions=dict(local.functions),
        p_advanced=1.0 if local.level == "advanced" else 0.0,
        why=_why(draft, text) or local.why,
    )
    bars = triage.Bars(match=0.0, lead=0.0) if settled else triage.Bars(match=2.0)
    return triage.compose(view, knowledge, bars, text).model_copy(update=noted)


def _mixed(local: Triage, draft: TriageDraft) -> dict[str, float]:
    theirs = {draft.competency: 1.0 - _SECOND if draft.second else 1.0}
    if draft.second:
        theirs[draft.second] = _SECOND
    mixed = {code: (1 - _SHARE) * p + _SHARE * theirs.get(code, 0.0) for code, p in local.ranking}
    total = sum(mixed.values())
    return {code: p / total for code, p in mixed.items()}


def _why(draft: TriageDraft, text: str) -> tuple[str, ...]:
    """The model's words that do stand in the message."""
    low = clean(text).lower()
    return tuple(w for w in dict.fromkeys(clean(w) for w in draft.why) if w and w.lower() in low)[:4]


def _as_none(local: Triage) -> Triage:
    return local.model_copy(
        update={
            "outcome": "none",
            "competency": None,
            "confidence": max(local.p_none, 0.5),
            "p_none": max(local.p_none, 0.5),
            "level": None,
            "why": (),
            "next": None,
            "ask_back": None,
            "settling": None,
        }
    )
