"""A second opinion on sentences of which the local check isn't sure: the model compares each with its passages.

Only the grey zone is asked about, in one call with a typed answer and a short time-out. A hard fact that speaks against
a sentence (a number, a level, a unit, a link) is never up for discussion; where no verdict comes, the check decides.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from bot.core.checking import DraftCheck, Held, Passed
from bot.core.drafts import Sentence, Usage, read_verdicts
from bot.core.errors import ModelFailed, ModelPending
from bot.core.prompts import Prompt, claims_block
from bot.ports import Model, Stop

log = structlog.get_logger()

_LEAST = 0.5  # seconds that are worth a call


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """How long the model may be asked again."""

    seconds: float = 6.0  # for the call
    whole: float = 20.0  # for the draft and this call together

    def left(self, began: float) -> float:
        """Seconds for a call now, of a draft that was asked for at `began` (monotonic); 0 where it isn't worth it."""
        left = min(self.seconds, self.whole - (time.monotonic() - began))
        return left if left >= _LEAST else 0.0


def ask(
    model: Model, prompt: Prompt, held: Sequence[Held], *, within: float, stop: Stop
) -> tuple[dict[int, bool], Usage]:
    """Verdicts by number, from 1; none for what wasn't answered in time or in form. Raises ModelFailed("stopped")."""
    claims = [(h.passed.text, h.passed.passages) for h in held]
    reply = model.reply(prompt.request("verify", claims=claims_block(claims)), stop=stop, within=within)
    began, found = time.monotonic(), {}
    try:
        found = read_verdicts("".join(reply), len(claims))
    except ModelPending:
        pass
    except ModelFailed as error:
        if error.reason == "stopped":
            raise
        log.warning("model.failed", reason=error.reason, prompt=prompt.label)
    finally:
        reply.close()
    agreed, took = sum(found.values()), round((time.monotonic() - began) * 1000)
    log.info("model.second_opinion", asked=len(claims), yes=agreed, no=len(found) - agreed, ms=took)
    return found, reply.usage


@dataclass(slots=True)
class Queue:
    """Sentences in their order: from the first one in doubt on, all wait."""

    check: DraftCheck
    patient: bool  # whether a second opinion is to be had
    waiting: list[Passed | Held] = field(default_factory=list)

    def take(self, draft: Sentence) -> Passed | None:
        """The sentence where it may be shown now; else it is cut, or waits."""
        if not self.patient:
            return self.check.sentence(draft)
        found = self.check.weigh(draft)
        if found is None:
            return None
        if self.waiting or isinstance(found, Held):
            self.waiting.append(found)
            return None
        return found

    @property
    def held(self) -> list[Held]:
        """What is in doubt."""
        return [w for w in self.waiting if isinstance(w, Held)]

    def settle(self, verdicts: Mapping[int, bool]) -> list[Passed]:
        """What of the waiting may be shown, in order."""
        out: list[Passed] = []
        n = 0
        for one in self.waiting:
            if isinstance(one, Passed):
                out.append(one)
                continue
            n += 1
            passed = self.check.settle(one, verdicts.get(n))
            if passed:
                out.append(passed)
        self.waiting.clear()
        return out
