"""`isp-coach nudges preview`: what somebody will be sent in the coming weeks, and why. Nothing is written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.asking import Verbose
from bot.cli.console import Exit, plain, say, write_object
from bot.cli.faults import load_settings
from bot.core.records import Member

if TYPE_CHECKING:
    from bot.app import Content
    from bot.core.records import Member
    from bot.ports import NudgeRepository
    from bot.services.nudges import Coming

nudges = typer.Typer(no_args_is_help=True, help="What people will be sent, as things stand.")


@nudges.callback()
def _group() -> None:
    """Keep `preview` a word of its own."""


@nudges.command()
def preview(
    *,
    user: Annotated[str, typer.Option(metavar="U", help="The person's id in Slack, or a channel's.")],
    team: Annotated[
        str | None, typer.Option(metavar="T", help="The workspace, where there are several.", show_default=False)
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="How many weeks ahead.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object.")] = False,
    verbose: Verbose = False,
) -> None:
    """Show what somebody will be sent in the coming weeks and why. Nothing is sent or written."""
    _ = verbose
    from bot.app import Content, open_nudges
    from bot.cli.logs import to_standard_error

    to_standard_error()
    content = Content(load_settings())
    with open_nudges(content) as (service, rows):
        member = _member(rows, user, team)
        coming = service.preview(member, weeks)
        if as_json:
            write_object({"team": member.team_id, "user": member.user_id, "coming": [_object(c) for c in coming]})
            return
        subscription = service.subscription(member)
        if not coming:
            state = subscription.state if subscription else "not subscribed"
            print(plain(f"Nothing comes to {user} in the next {weeks} weeks ({state})."))
        for one in coming:
            _show(one, content)


def _member(rows: NudgeRepository, user: str, team: str | None) -> Member:
    if team:
        return Member(team, user)
    found: list[Member] = []
    after: Member | None = None
    while page := rows.active_subscriptions(after=after, resuming=date.max):
        found += [s.member for s in page if s.member.user_id == user]
        after = page[-1].member
    if len(found) == 1:
        return found[0]
    if found:
        say(f"{user} has nudges in {', '.join(m.team_id for m in found)}; say which with --team.")
    else:
        say(
            f"{user} gets no nudges: nobody of that id has asked for any, or they are stopped or paused without an end."
        )
    raise typer.Exit(Exit.FAILED)


def _object(coming: Coming) -> dict[str, Any]:
    return {
        "at": coming.due.at.isoformat(),
        "local": coming.due.local.isoformat(),
        "kind": coming.kind,
        "unit": coming.unit,
        "because": coming.because,
        "text": coming.text,
    }


def _show(coming: Coming, content: Content) -> None:
    from bot.slack.nudge_message import topic_title

    wording = content.wording
    kind = {"reflection": "prompt", "selfcheck": "self-check", "team": "team question"}[coming.kind]
    local, title = coming.due.local, topic_title(coming.unit, content.knowledge, wording)
    print(plain(f"{local:%a %d %b %Y, %H:%M} {local.tzinfo}  {kind}: {title}"))
    why = {"unchecked": "never checked", "oldest": "checked longest ago"}.get(coming.because)
    if coming.kind == "team":
        why = "in turn"
    elif why is None or coming.kind == "reflection":
        why = wording(f"nudges.nudge.because.{coming.because}")
    print(plain(f"    {why}"))
    if coming.text:
        print(plain(f"    {coming.text}"))
