from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from bot.sandbox.seed import default_manifest
from bot.sandbox.ui_api import UiError
from tests.sandbox.payloads import button, modal, plain, refused, text_input
from tests.sandbox.rawbot import SILENCE, RawBot

Opened = Callable[..., RawBot]
HOME = {"type": "home", "blocks": [{"type": "divider"}]}


def trigger(sandbox: Sandbox, user: str = "U0ANA") -> str:
    with sandbox.state.change():
        return sandbox.state.new_trigger(user)


def form(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return modal(*(blocks or (text_input("name"),)), submit=plain("Send"), **more)


def test_a_modal_opens_for_the_one_who_clicked(sandbox: Sandbox, client: WebClient) -> None:
    view = client.views_open(trigger_id=trigger(sandbox), view=form(private_metadata="m"))["view"]
    shown = sandbox.modal("U0ANA")
    assert shown is not None
    assert (shown.id, view["private_metadata"], view["root_view_id"]) == (view["id"], "m", view["id"])
    assert view["state"] == {"values": {"name": {"typed": {"type": "plain_text_input", "value": None}}}}
    assert sandbox.modal("U0BEN") is None


def test_a_trigger_is_good_once_and_for_three_seconds(sandbox: Sandbox, client: WebClient) -> None:
    once = trigger(sandbox)
    client.views_open(trigger_id=once, view=form())
    assert refused(client, "views.open", trigger_id=once, view=form())["error"] == "exchanged_trigger_id"
    late = trigger(sandbox)
    sandbox.clock.advance(3.5)
    assert refused(client, "views.open", trigger_id=late, view=form())["error"] == "expired_trigger_id"
    assert refused(client, "views.open", trigger_id="7.7.x", view=form())["error"] == "invalid_trigger_id"


def test_a_refused_view_does_not_use_up_the_trigger(sandbox: Sandbox, client: WebClient) -> None:
    ticket = trigger(sandbox)
    answer = refused(client, "views.open", trigger_id=ticket, view=modal(text_input("b")))
    assert (answer["error"], "submit" in answer["response_metadata"]["messages"][0]) == ("invalid_arguments", True)
    client.views_open(trigger_id=ticket, view=form())


def test_two_views_can_be_pushed_and_no_third(sandbox: Sandbox, client: WebClient) -> None:
    root = client.views_open(trigger_id=trigger(sandbox), view=form())["view"]
    pushed = client.views_push(trigger_id=trigger(sandbox), view=form())["view"]
    client.views_push(trigger_id=trigger(sandbox), view=form())
    assert (pushed["previous_view_id"], pushed["root_view_id"]) == (root["id"], root["id"])
    assert refused(client, "views.push", trigger_id=trigger(sandbox), view=form())["error"] == "push_limit_reached"


def test_an_update_with_a_stale_hash_is_a_conflict(sandbox: Sandbox, client: WebClient) -> None:
    view = client.views_open(trigger_id=trigger(sandbox), view=form(external_id="e"))["view"]
    newer = client.views_update(view_id=view["id"], hash=view["hash"], view=form(external_id="e"))["view"]
    assert newer["hash"] != view["hash"]
    assert (
        refused(client, "views.update", view_id=view["id"], hash=view["hash"], view=form())["error"] == "hash_conflict"
    )
    assert refused(client, "views.update", view_id="V0GONE", view=form())["error"] == "not_found"
    client.views_update(external_id="e", view=form())


def test_an_external_id_is_used_once(sandbox: Sandbox, client: WebClient) -> None:
    client.views_open(trigger_id=trigger(sandbox), view=form(external_id="e"))
    answer = refused(client, "views.open", trigger_id=trigger(sandbox, "U0BEN"), view=form(external_id="e"))
    assert answer["error"] == "duplicate_external_id"


def test_home_is_published_per_person_and_reported_when_it_is_opened(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot()
    sandbox.open_home("U0ANA")
    sandbox.open_dm("U0ANA")
    bot.wait(2, "events_api")
    assert [event["tab"] for event in bot.events("app_home_opened")] == ["home", "messages"]
    first = client.views_publish(user_id="U0ANA", view=HOME)["view"]
    client.views_publish(user_id="U0ANA", view=HOME, hash=first["hash"])
    assert refused(client, "views.publish", user_id="U0ANA", view=HOME, hash=first["hash"])["error"] == "hash_conflict"
    assert sandbox.home("U0BEN") is None
    sandbox.open_home("U0ANA")
    assert bot.wait(3, "events_api")[2]["payload"]["event"]["view"]["id"] == first["id"]


def test_home_needs_the_manifest_to_enable_it(sandbox: Sandbox, client: WebClient) -> None:
    manifest = default_manifest()
    manifest["features"]["app_home"]["home_tab_enabled"] = False
    sandbox.install(manifest)
    assert refused(client, "views.publish", user_id="U0ANA", view=HOME)["error"] == "not_enabled"


def test_a_submission_closes_the_modal_and_carries_what_was_typed(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot()
    client.views_open(trigger_id=trigger(sandbox), view=form(callback_id="greet"))
    assert sandbox.submit("U0ANA", {"typed": "Ana"}) == {}
    sent = bot.wait(1, "interactive")[0]["payload"]
    assert (sent["type"], sent["view"]["callback_id"]) == ("view_submission", "greet")
    assert sent["view"]["state"]["values"]["name"]["typed"]["value"] == "Ana"
    assert sandbox.modal("U0ANA") is None


def test_slacks_own_checks_come_before_the_bot(sandbox: Sandbox, client: WebClient, raw_bot: Opened) -> None:
    bot = raw_bot()
    number = {"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "min_value": "1"}
    blocks = (
        text_input("must"),
        text_input("may", "more", optional=True, max_length=3),
        {"type": "input", "block_id": "many", "label": plain("l"), "element": number},
    )
    client.views_open(trigger_id=trigger(sandbox), view=form(*blocks))
    wrong = sandbox.submit("U0ANA", {"more": "long", "n": "0"})
    assert set(wrong) == {"must", "may", "many"}
    assert bot.envelopes("interactive") == []


def test_errors_stay_in_the_modal_by_block(sandbox: Sandbox, client: WebClient, raw_bot: Opened) -> None:
    raw_bot(lambda _: {"response_action": "errors", "errors": {"name": "Too short"}})
    client.views_open(trigger_id=trigger(sandbox), view=form())
    assert sandbox.submit("U0ANA", {"typed": "A"}) == {"name": "Too short"}
    assert sandbox.modal("U0ANA") is not None


def test_errors_for_a_block_that_is_no_input_are_the_bots_mistake(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    raw_bot(lambda _: {"response_action": "errors", "errors": {"elsewhere": "?"}})
    client.views_open(trigger_id=trigger(sandbox), view=form())
    with pytest.raises(UiError, match="Try again"):
        sandbox.submit("U0ANA", {"typed": "A"})


@pytest.mark.parametrize(
    ("answer", "top_of"),
    [
        ({"response_action": "update", "view": {**form(), "title": plain("Thanks")}}, (2, "Thanks")),
        ({"response_action": "push", "view": {**form(), "title": plain("More")}}, (3, "More")),
        ({"response_action": "clear"}, (0, None)),
        (None, (1, "A form")),
    ],
)
def test_each_response_action(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened, answer: Any, top_of: tuple[int, str | None]
) -> None:
    raw_bot(lambda _: answer)
    client.views_open(trigger_id=trigger(sandbox), view=form())
    client.views_push(trigger_id=trigger(sandbox), view=form())
    assert sandbox.submit("U0ANA", {"typed": "A"}) == {}
    top = sandbox.modal("U0ANA")
    depth = len(sandbox.state.stacks.get("U0ANA", []))
    assert (depth, top.content["title"]["text"] if top else None) == top_of


def test_an_answer_with_a_view_that_slack_refuses_is_shown_as_trouble(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    raw_bot(lambda _: {"response_action": "update", "view": {**form(), "title": plain("t" * 25)}})
    client.views_open(trigger_id=trigger(sandbox), view=form())
    with pytest.raises(UiError) as caught:
        sandbox.submit("U0ANA", {"typed": "A"})
    assert caught.value.code == "invalid_arguments"


def test_no_acknowledgement_leaves_the_modal_and_says_so(client: WebClient, raw_bot: Opened, sandbox: Sandbox) -> None:
    sandbox.hub.ack_timeout = 0.2
    raw_bot(lambda _: SILENCE)
    client.views_open(trigger_id=trigger(sandbox), view=form())
    with pytest.raises(UiError) as caught:
        sandbox.submit("U0ANA", {"typed": "A"})
    assert caught.value.code == "operation_timeout"
    assert sandbox.modal("U0ANA") is not None


def test_an_update_keeps_what_was_typed_in_the_same_fields(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot()
    choose = {"type": "actions", "block_id": "pick", "elements": [button("more")]}
    view = client.views_open(trigger_id=trigger(sandbox), view=form(text_input("name"), choose))["view"]
    sandbox._do(
        sandbox.people.act(
            "U0ANA",
            {"type": "view", "view_id": view["id"]},
            "pick",
            "more",
            value={},
            state={"name": {"typed": {"value": "Ana"}}},
        )
    )
    assert bot.wait(1, "interactive")[0]["payload"]["view"]["state"]["values"]["name"]["typed"]["value"] == "Ana"
    kept = client.views_update(view_id=view["id"], view=form(text_input("name"), text_input("extra", "e")))["view"]
    assert kept["state"]["values"]["name"]["typed"]["value"] == "Ana"
    assert kept["state"]["values"]["extra"]["e"]["value"] is None
    reset = client.views_update(view_id=view["id"], view=form(text_input("name2")))["view"]
    assert reset["state"]["values"] == {"name2": {"typed": {"type": "plain_text_input", "value": None}}}


def test_closing_is_reported_only_where_it_was_asked_for(sandbox: Sandbox, client: WebClient, raw_bot: Opened) -> None:
    bot = raw_bot()
    client.views_open(trigger_id=trigger(sandbox), view=form())
    sandbox.close("U0ANA")
    client.views_open(trigger_id=trigger(sandbox), view=form(notify_on_close=True, callback_id="told"))
    client.views_push(trigger_id=trigger(sandbox), view=form())
    sandbox.close("U0ANA", clear=True)
    closed = bot.wait(1, "interactive")[0]["payload"]
    assert (closed["type"], closed["view"]["callback_id"], closed["is_cleared"]) == ("view_closed", "told", True)
    assert len(bot.envelopes("interactive")) == 1


def test_selects_start_with_their_initial_option_and_take_only_what_is_offered(
    sandbox: Sandbox, client: WebClient, raw_bot: Opened
) -> None:
    bot = raw_bot()
    options = [{"text": plain(word), "value": word} for word in ("low", "high")]
    radio = {"type": "radio_buttons", "action_id": "level", "options": options, "initial_option": options[0]}
    block = {"type": "input", "block_id": "b", "label": plain("Level"), "element": radio, "dispatch_action": True}
    view = client.views_open(trigger_id=trigger(sandbox), view=form(block))["view"]
    assert view["state"]["values"]["b"]["level"]["selected_option"]["value"] == "low"
    with pytest.raises(UiError, match="choices"):
        sandbox.click("U0ANA", view["id"], "level", {"selected_option": {"text": plain("x"), "value": "x"}})
    sandbox.click("U0ANA", view["id"], "level", "high")
    acted = bot.wait(1, "interactive")[0]["payload"]
    assert acted["actions"][0]["selected_option"]["value"] == "high"
    assert acted["view"]["state"]["values"]["b"]["level"]["selected_option"]["value"] == "high"


def test_an_external_select_asks_the_bot_for_its_options(sandbox: Sandbox, client: WebClient, raw_bot: Opened) -> None:
    options = [{"text": plain("C4"), "value": "C4"}]
    bot = raw_bot(lambda _: {"options": options})
    select = {"type": "external_select", "action_id": "unit"}
    block = {"type": "input", "block_id": "b", "label": plain("Unit"), "element": select}
    view = client.views_open(trigger_id=trigger(sandbox), view=form(block))["view"]
    where = {"type": "view", "view_id": view["id"]}
    query = {"block_id": "b", "action_id": "unit", "value": "barr"}
    assert sandbox._do(sandbox.people.suggest("U0ANA", where, query)) == {"options": options}
    assert bot.wait(1, "interactive")[0]["payload"]["type"] == "block_suggestion"
