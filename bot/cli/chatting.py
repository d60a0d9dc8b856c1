"""A conversation in the terminal: questions, situations, and the sources of the last answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.cli.console import plain, whole
from bot.cli.faults import tell
from bot.cli.show import show_answer, show_passage, show_triage
from bot.core.answer import Answer, Question, Turn
from bot.core.triage import Settling

if TYPE_CHECKING:
    from rich.console import Console

    from bot.core.wording import Wording
    from bot.services.coach import Coach
    from bot.services.speaking import SpeakingCoach

_TURNS = 8  # as many as the bot remembers in Slack
_HELP = """Ask a question, or tell a situation in your own words.
  /which TEXT     the competency that a situation is about
  /ask TEXT       a question, where the coach took it for a situation
  /source NUMBER  a source of the last answer in full
  /new            forget what was said so far
  /quit           leave (or Ctrl-D)"""
_ONLY_IN_SLACK = "Self-checks, reflections and what is kept about you are in Slack; here nothing is stored."


class Conversation:
    """Reads lines until the person leaves. Nothing is stored; a fault is told and the conversation goes on."""

    def __init__(
        self, coach: Coach | SpeakingCoach, wording: Wording, out: Console, read: Callable[[str], str] = input
    ) -> None:
        self._coach, self._wording, self._out, self._read = coach, wording, out, read
        self._history: list[Turn] = []
        self._last: Answer | None = None
        self._settling: Settling | None = None

    def run(self) -> None:
        """Talk until the end of input."""
        self._line_editing()
        self._print("What are you working on? /help tells what this can do.")
        while True:
            try:
                line = whole(self._read("you> ")).strip()
            except (EOFError, KeyboardInterrupt):
                self._print("")
                return
            if line in {"/quit", "/exit"}:
                return
            if line:
                self._hear(line)

    def _hear(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        commands: dict[str, Callable[[str], None]] = {
            "/which": self._which,
            "/ask": self._ask,
            "/source": self._source,
            "/new": lambda _: self._forget(),
            "/help": lambda _: self._print(_HELP),
        }
        try:
            if self._settling is not None and line in {"1", "2"}:
                self._settle(int(line))
            elif command in commands:
                commands[command](rest.strip())
            elif command.startswith("/"):
                self._print(f"There is no {plain(command)}.\n{_HELP}")
            else:
                self._say(line)
        except Exception as error:  # noqa: BLE001 - one fault must not end the conversation
            tell(error)

    def _say(self, text: str) -> None:
        route = self._coach.route(text, tuple(self._history))
        match route.intent:
            case "triage":
                self._which(text)
            case "help":
                self._print(_HELP)
            case "smalltalk":
                self._print(self._wording(f"slack.{route.subject or 'small'}"))
            case "selfcheck" | "reflect" | "privacy":
                self._print(_ONLY_IN_SLACK)
            case _:  # a question; distress and other people's data, which `ask` meets first
                self._ask(text)

    def _ask(self, text: str) -> None:
        if not text:
            self._print("What is the question? /ask TEXT")
            return
        answer = self._coach.ask(Question(text=text, history=tuple(self._history)))
        show_answer(self._out, answer)
        self._last, self._settling = answer, None
        self._remember(text, answer.answer)

    def _which(self, text: str) -> None:
        if not text:
            self._print("What is the situation? /which TEXT")
            return
        found = self._coach.triage(text)
        show_triage(self._out, found, self._coach.knowledge.title)
        self._settling = found.settling
        if found.settling is not None:
            options = "   ".join(f"{n} {label}" for n, (_, label) in enumerate(found.settling.options, start=1))
            self._print(f"{options}\nType the number that fits.")
        self._remember(text, found.ask_back or (self._coach.knowledge.title(found.competency or "none")))

    def _settle(self, number: int) -> None:
        assert self._settling is not None
        code, _ = self._settling.options[number - 1]
        self._settling = None
        title = self._coach.knowledge.title(code)
        self._print(f"Then it is {code} {title}.")
        self._ask(f"What is “{title}”?")

    def _source(self, number: str) -> None:
        citations = self._last.citations if self._last else ()
        wanted = next((c for c in citations if str(c.marker) == number.strip("[]")), None)
        if wanted is None:
            numbers = ", ".join(str(c.marker) for c in citations)
            self._print(f"The last answer has these sources: {numbers}." if numbers else "There are no sources yet.")
            return
        passage = self._coach.passage(wanted.passage_id, "*")
        if passage is None:
            self._print("That passage isn't there any more.")
        else:
            show_passage(self._out, passage)

    def _forget(self) -> None:
        self._history, self._last, self._settling = [], None, None
        self._print("Forgotten. What are you working on?")

    def _remember(self, said: str, answered: str) -> None:
        both = (Turn(role="user", text=said), Turn(role="assistant", text=answered))
        self._history = [*self._history, *both][-_TURNS:]

    def _print(self, text: str) -> None:
        self._out.print(text, markup=False)

    @staticmethod
    def _line_editing() -> None:
        try:
            import readline  # noqa: F401 - importing it gives `input` line editing; Windows has none
        except ImportError:
            return
