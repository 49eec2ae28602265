"""Times as the API writes them: instants in UTC, and days that end at midnight in Sweden."""

import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def instant(moment: datetime.datetime) -> str:
    """Return an aware datetime as `2026-11-25T12:00:00Z`; a naive one is a ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def end_of_day(day: datetime.date) -> datetime.datetime:
    """Return the instant at which `day` is over in Europe/Stockholm; ValueError where there are no time zones."""
    following = day + datetime.timedelta(days=1)
    try:
        stockholm = ZoneInfo("Europe/Stockholm")
    except ZoneInfoNotFoundError as error:
        raise ValueError("this computer has no time zones (tzdata): give an instant with its zone") from error
    return datetime.datetime.combine(following, datetime.time(), stockholm)


def until(text: str) -> datetime.datetime:
    """Read an end: a day (`2027-06-30`, which is included) or an instant with its zone."""
    if len(text) == 10:
        return end_of_day(datetime.date.fromisoformat(text))
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment
