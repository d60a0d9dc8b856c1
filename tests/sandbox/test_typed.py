from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.typed import escape, typed_command, typed_message

PEOPLE, ROOMS = {"U0ANA": "ana", "U0COACH": "coach"}, {"C0GENERAL": "general"}


def wire(text: str) -> str:
    return typed_message(text, PEOPLE, ROOMS, "b")[0]


def test_known_people_and_channels_are_linked_and_unknown_ones_are_text() -> None:
    assert wire("<@U0ANA> in <#C0GENERAL>") == "<@U0ANA> in <#C0GENERAL|general>"
    assert wire("<@U0NOBODY> <#C9|x>") == "&lt;@U0NOBODY&gt; &lt;#C9|x&gt;"


def test_a_link_ends_before_its_punctuation() -> None:
    assert wire("(see https://x.example/a).") == "(see <https://x.example/a>)."


@given(st.text(alphabet=st.sampled_from("<>&@#!|:/.hCUtps0AN "), max_size=60))
def test_nothing_typed_becomes_a_broadcast_or_loose_bracket(text: str) -> None:
    out = wire(text)
    known = re.sub(r"<@U0(ANA|COACH)>|<#C0GENERAL\|general>|<https?://[^<>|\s]+>", "", out)
    assert "<" not in known
    assert ">" not in known


@given(st.text(max_size=80))
def test_escaping_can_be_undone(text: str) -> None:
    assert escape(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_a_command_without_escaping_has_names() -> None:
    assert (
        typed_command(" ask <@U0ANA> https://x.example ", PEOPLE, ROOMS, should_escape=False)
        == "ask @ana https://x.example"
    )
    assert (
        typed_command("<@U0ANA> https://x.example", PEOPLE, ROOMS, should_escape=True)
        == "<@U0ANA|ana> <https://x.example>"
    )
