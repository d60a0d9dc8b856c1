"""Days, times and dates as people type them: forgiving of spelling and form, never guessing between two readings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Literal

from bot.core.schedule import DAYS, MONTHS, allowed

_DAY_NAMES = {
    alias: number
    for number, name in enumerate(DAYS)
    for alias in {name.lower(), f"{name.lower()}s", name[:3].lower(), name[:4].lower(), name[:2].lower()}
} | {"thurs": 3, "weds": 2, "tues": 1}
_DAY_WORDS = tuple(name.lower() for name in DAYS)
_NEAR = 0.75  # how much of a day's name has to be right
_SHORTEST = 5  # letters of a word that may be a misspelt day
_MONTH_NAMES = {alias: n for n, name in enumerate(MONTHS, 1) for alias in {name.lower(), name[:3].lower()}} | {
    "sept": 9
}
_NUMBERS = {
    word: n
    for n, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
} | {"thirty": 30, "fifteen": 15, "forty-five": 45, "twenty": 20}
_TIME = re.compile(
    r"(?ix)(?<![\d.:])(?:at\s+|@\s*)?(\d{1,2})(?:\s*[:.h,-]\s*(\d{2})|\s(\d{2})|(\d{2}))?"
    r"\s*(a\.?m?\.?|p\.?m?\.?|o'?clock|hrs|h|uhr)?(?![\d:a-z])"
)
_EVERY: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"\b(?:every\s+(?:other|second|2nd|two|2)\s*(?:weeks?)?|fortnightly|biweekly|bi-weekly)\b"), 2),
    (re.compile(r"\b(?:monthly|once a month|(?:every|each)\s+month|every\s+(?:four|4)\s+weeks)\b"), 4),
    (re.compile(r"\b(?:weekly|once a week|(?:every|each)\s+week)\b"), 1),
)

Problem = Literal["no_day", "many_days", "no_time", "bad_time", "out_of_hours"]


@dataclass(frozen=True, slots=True)
class When:
    """A day and time as typed; a part that wasn't said, or can't be, is None."""

    weekday: int | None = None
    minute: int | None = None
    problem: Problem | None = None  # None: all is clear
    every_weeks: int | None = None


def parse_when(words: str) -> When:
    """The weekday, time and rhythm in words such as "on Tuesday 9:30" or "every other wensday, half nine"."""
    text = words.lower().replace("\u2019", "'")
    every = next((weeks for pattern, weeks in _EVERY if pattern.search(text)), None)
    for pattern, _ in _EVERY:
        text = pattern.sub(" ", text)
    days = {day for word in re.findall(r"[a-z]+", text) if (day := day_of(word)) is not None}
    weekday = next(iter(days)) if len(days) == 1 else None
    minute, problem = _minute_in(_in_figures(text))
    if len(days) != 1:
        problem = "many_days" if days else "no_day"
    return When(weekday, minute, problem, every)


def day_of(word: str) -> int | None:
    """The weekday that a word means, misspelt ones too; None where it means none."""
    if word in _DAY_NAMES:
        return _DAY_NAMES[word]
    if len(word) < _SHORTEST:
        return None
    same_start = [name for name in _DAY_WORDS if name[0] == word[0]]
    near = get_close_matches(word.removesuffix("s"), same_start, n=1, cutoff=_NEAR)
    return _DAY_WORDS.index(near[0]) if near else None


def _in_figures(text: str) -> str:
    """Times in words as figures: "half past nine" is 9:30, "quarter to ten" 9:45, "two in the afternoon" 2 pm."""
    text = text.replace("noon", "12:00").replace("midday", "12:00") if "afternoon" not in text else text
    for word, number in _NUMBERS.items():
        text = re.sub(rf"\b{word}\b", str(number), text)
    text = re.sub(r"\bhalf\s+(?:past\s+)?(\d{1,2})\b", r"\1:30", text)
    text = re.sub(r"\b(?:a\s+)?quarter\s+past\s+(\d{1,2})\b", r"\1:15", text)
    text = re.sub(r"\b(?:a\s+)?quarter\s+to\s+(\d{1,2})\b", lambda m: f"{(int(m[1]) - 1) % 24}:45", text)
    text = re.sub(r"\s+in\s+the\s+(?:afternoon|evening)\b", " pm", text)
    return re.sub(r"\s+in\s+the\s+morning\b", " am", text)


def _minute_in(text: str) -> tuple[int | None, Problem | None]:
    found = _TIME.search(text)
    if not found:
        return None, "bad_time" if re.search(r"\d", text) else "no_time"
    hour, minute = int(found[1]), int(found[2] or found[3] or found[4] or 0)
    half = (found[5] or "").replace(".", "")
    if half in {"a", "p", "am", "pm"} and 1 <= hour <= 12:  # noqa: PLR2004 - a clock face
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 23 or minute > 59:  # noqa: PLR2004 - a day's hours, an hour's minutes
        return None, "bad_time"
    total = hour * 60 + minute
    return (total, None) if allowed(total) else (total, "out_of_hours")


# --- until when -------------------------------------------------------------------------------------------------------


def parse_until(words: str, today: date) -> date | None:
    """The day meant by "2026-12-24", "24 December", "Monday", "3 weeks"; None where it can't be told or is past."""
    text = words.lower().strip()
    for read in (_iso, _dotted, _named, _span, _weekday):
        found, day = read(text, today)
        if found:
            return day if day and day > today else None
    return None


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _iso(text: str, _today: date) -> tuple[bool, date | None]:
    found = re.search(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", text)
    return (True, _day(int(found[1]), int(found[2]), int(found[3]))) if found else (False, None)


def _dotted(text: str, today: date) -> tuple[bool, date | None]:
    found = re.search(r"\b(\d{1,2})\.\s?(\d{1,2})\.(\d{4})?", text)
    return (True, _coming(int(found[1]), int(found[2]), found[3], today)) if found else (False, None)


def _named(text: str, today: date) -> tuple[bool, date | None]:
    for found in re.finditer(r"(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?([a-z]+)(?:,?\s+(\d{4}))?", text):
        if found[2] in _MONTH_NAMES:
            return True, _coming(int(found[1]), _MONTH_NAMES[found[2]], found[3], today)
    for found in re.finditer(r"([a-z]+)\s+(\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(\d{4}))?", text):
        if found[1] in _MONTH_NAMES:
            return True, _coming(int(found[2]), _MONTH_NAMES[found[1]], found[3], today)
    return False, None


def _coming(number: int, month: int, year: str | None, today: date) -> date | None:
    """A day of a year that was said, else the next such day."""
    if year:
        return _day(int(year), month, number)
    return next((d for y in range(today.year, today.year + 5) if (d := _day(y, month, number)) and d > today), None)


def _span(text: str, today: date) -> tuple[bool, date | None]:
    if "tomorrow" in text:
        return True, today + timedelta(days=1)
    found = re.search(r"\b(\d{1,3}|a|an|one|two|three|four|five|six|eight|next)\s*(day|week|month)s?\b", text)
    if not found:
        return False, None
    count = int(found[1]) if found[1].isdigit() else _NUMBERS.get(found[1], 1)
    return True, today + timedelta(days=count * {"day": 1, "week": 7, "month": 30}[found[2]])


def _weekday(text: str, today: date) -> tuple[bool, date | None]:
    days = {day for word in re.findall(r"[a-z]{3,}", text) if (day := day_of(word)) is not None}
    if len(days) != 1:
        return False, None
    return True, today + timedelta(days=(next(iter(days)) - today.weekday() - 1) % 7 + 1)
