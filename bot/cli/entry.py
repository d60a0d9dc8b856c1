"""`isp-coach`: the commands, and the one place where an error becomes words and an exit status."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bot.cli import asking, evaluating, keeping, operating
from bot.cli.console import Exit
from bot.cli.faults import be_verbose, tell

Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show tracebacks when something fails.", callback=be_verbose, is_eager=True)
]

_HELP = """A coach for people who support implementation.

It answers from one white paper and its framework, with numbered sources, and tells which competency a situation is
about: in Slack, in a sandbox on this machine, and here in the terminal.
"""
_EPILOG = (
    "Exit status: 0 done, 1 something did not work, 2 wrong usage or settings, 4 the data folder is in use, "
    "70 a fault of ours."
)

app = typer.Typer(
    help=_HELP, epilog=_EPILOG, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich"
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("isp-coach"))
        raise typer.Exit


@app.callback()
def _options(
    *,
    verbose: Verbose = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    _ = verbose, version  # their callbacks have done the work


operating.register(app)
keeping.register(app)
asking.register(app)
evaluating.register(app)


def main() -> None:
    """Run the command line and leave with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal of few characters shows "?" instead of failing
            reconfigure(errors="replace")
    try:
        app(prog_name="isp-coach")
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last stop: no exception text reaches a person
        sys.exit(tell(error))
