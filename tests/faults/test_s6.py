"""Row S6: a few messages under `make test`, all of them under `make faults ROW=S6`."""

from __future__ import annotations

import pytest

from tests.faults.s6 import run


@pytest.mark.fault("S6")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mentions", [False, True])
def test_a_bot_killed_between_acknowledging_and_answering_answers_once_after_the_restart(
    mentions: bool, full: bool, figure
) -> None:
    figures = (
        run(messages=200, kills=10, mentions=mentions, seed=1)
        if full
        else run(messages=24, kills=2, mentions=mentions, seed=5)
    )
    figure(figures.words("in a channel" if mentions else "in direct messages"))
    assert figures.lost == 0
    assert figures.twice == 0
    if not mentions:  # in a channel an answer may be out and apologised for: nobody can look
        assert len(figures.answers) + figures.apologies == figures.messages
