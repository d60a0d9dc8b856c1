"""Web API: views.*, and the same changes of the modal stack where an acknowledgement asks for them."""

from __future__ import annotations

from typing import Any

from bot.sandbox.api_chat import refuse
from bot.sandbox.limits import check_home, check_view
from bot.sandbox.records import Json, Trigger, View
from bot.sandbox.state import State
from bot.sandbox.view_state import initial_values
from bot.sandbox.web_api import Call, SlackError, method

STACK_LIMIT = 3  # the first and two pushed


def checked_view(state: State, view: Any, kind: str, *, replacing: View | None = None) -> Json:
    """A view as the app gave it, checked, with ids filled in. Raises SlackError."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "missing required field: view")
    refuse(check_home(view) if kind == "home" else check_view(view), "invalid_arguments")
    external = view.get("external_id")
    for other in state.views.values():
        if external and other is not replacing and other.content.get("external_id") == external:
            raise SlackError("duplicate_external_id")
    return {**view, "blocks": state.fill_ids(view["blocks"])}


def new_view(state: State, user: str, content: Json) -> View:
    """A view that is not shown yet."""
    view_id = state.new_id("V")
    view = View(view_id, user, content, root_id=view_id, values=initial_values(content["blocks"]))
    state.views[view_id] = view
    return view


def open_modal(state: State, user: str, content: Json) -> View:
    """Show a modal as the first of a new stack."""
    for old in state.stacks.pop(user, []):
        state.views.pop(old, None)
    view = new_view(state, user, content)
    state.stacks[user] = [view.id]
    state.show_modal(user)
    return view


def push_modal(state: State, user: str, content: Json) -> View:
    """Show a modal over the others. Raises SlackError where the stack is full."""
    stack = state.stacks.get(user) or []
    if not stack:
        raise SlackError("not_found", "no modal is open")
    if len(stack) >= STACK_LIMIT:
        raise SlackError("push_limit_reached")
    view = new_view(state, user, content)
    view.previous_id, view.root_id = stack[-1], stack[0]
    stack.append(view.id)
    state.show_modal(user)
    return view


def update_view(state: State, view: View, content: Json) -> None:
    """Change a view in place; fields with the same ids keep what was typed."""
    view.content = content
    view.values = initial_values(content["blocks"], view.values)
    view.version += 1
    if state.top_view(view.user) is view:
        state.show_modal(view.user)
    elif state.homes.get(view.user) is view:
        state.bus.publish({"type": "home", "view": view.wire()}, {view.user})


def close_modal(state: State, view: View) -> None:
    """Take one modal off its stack; the one below shows."""
    stack = state.stacks.get(view.user) or []
    if view.id in stack:
        stack.remove(view.id)
    state.views.pop(view.id, None)
    state.show_modal(view.user)


def clear_modals(state: State, user: str) -> list[View]:
    """Close all modals of a person; those that were open, top first."""
    closed = [state.views.pop(view_id) for view_id in reversed(state.stacks.pop(user, []))]
    state.show_modal(user)
    return closed


def _exchange(call: Call) -> Trigger:
    trigger_id = call.text("trigger_id") or call.text("interactivity_pointer")
    if not trigger_id:
        raise SlackError("invalid_arguments", "missing required field: trigger_id")
    trigger = call.state.triggers.get(trigger_id)
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if call.state.now() > trigger.expires:
        raise SlackError("expired_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    return trigger


@method("views.open")
def _open(call: Call) -> Json:
    trigger = _exchange(call)
    content = checked_view(call.state, call.args.get("view"), "modal")
    trigger.used = True
    return {"view": open_modal(call.state, trigger.user, content).wire()}


@method("views.push")
def _push(call: Call) -> Json:
    trigger = _exchange(call)
    content = checked_view(call.state, call.args.get("view"), "modal")
    view = push_modal(call.state, trigger.user, content)
    trigger.used = True
    return {"view": view.wire()}


@method("views.update")
def _update(call: Call) -> Json:
    view_id, external = call.text("view_id"), call.text("external_id")
    if not view_id and not external:
        raise SlackError("invalid_arguments", "missing required field: view_id or external_id")
    views = call.state.views.values()
    found = [view for view in views if view.id == view_id or (external and view.content.get("external_id") == external)]
    if not found:
        raise SlackError("not_found")
    _check_hash(call, found[0])
    kind = str(found[0].content.get("type"))
    update_view(call.state, found[0], checked_view(call.state, call.args.get("view"), kind, replacing=found[0]))
    return {"view": found[0].wire()}


def _check_hash(call: Call, view: View) -> None:
    given = call.text("hash")
    if given and given != view.hash:
        raise SlackError("hash_conflict")


@method("views.publish")
def _publish(call: Call) -> Json:
    if not call.state.manifest.home_tab:
        raise SlackError("not_enabled")
    user = call.state.users.get(call.text("user_id", needed=True))
    if user is None or user.is_bot:
        raise SlackError("invalid_arguments", "invalid user_id [json-pointer:/user_id]")
    home = call.state.homes.get(user.id)
    if home is not None:
        _check_hash(call, home)
    content = checked_view(call.state, call.args.get("view"), "home", replacing=home)
    if home is None:
        home = call.state.homes[user.id] = new_view(call.state, user.id, content)
        call.state.bus.publish({"type": "home", "view": home.wire()}, {user.id})
    else:
        update_view(call.state, home, content)
    return {"view": home.wire()}
