"""Row S6, small: the whole of it is `python -m tests.faults.s6`."""

from __future__ import annotations

import pytest

from tests.faults.s6 import run


@pytest.mark.parametrize("mentions", [False, True])
def test_a_bot_killed_between_acknowledging_and_answering_answers_once_after_the_restart(mentions: bool) -> None:
    figures = run(messages=24, kills=2, mentions=mentions, seed=5)
    assert figures.lost == 0
    assert figures.twice == 0
    if not mentions:  # in a channel an answer may be out and apologised for: nobody can look
        assert len(figures.answers) + figures.apologies == figures.messages
