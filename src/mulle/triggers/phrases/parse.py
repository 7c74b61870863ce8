"""Read a phrase that is nothing but a schedule.

It refuses to guess: what is incomplete, ambiguous or impossible is an error that asks the right question.
"""

import re
from datetime import datetime
from functools import cache

from mulle.triggers.phrases.compose import compose
from mulle.triggers.phrases.english import ENGLISH_RULES
from mulle.triggers.phrases.frame import frame
from mulle.triggers.phrases.join import join
from mulle.triggers.phrases.korean import KOREAN_RULES, KOREAN_TAILS
from mulle.triggers.phrases.lexer import Lexer, lexer
from mulle.triggers.phrases.numbers import ENGLISH
from mulle.triggers.phrases.pieces import Pieces, Word, Zone
from mulle.triggers.phrases.reading import Reading, language_of
from mulle.triggers.phrases.text import Text, plain_text
from mulle.triggers.phrases.zones import ZONE_RULES, ZONE_TAILS
from mulle.triggers.schedule import Schedule
from mulle.triggers.schedule import timezone as zone_of

_LONGEST = 400
_TELLING = re.compile(
    rf".*(?a:\d)|(?:{ENGLISH})$|(?:before|after|since|within|unless|not|never|half|quarter)$|"
    r"(?:minute|hour|day|week|month|year)s?$|"
    r"다음|전날|전일|익일|직전|직후|이튿날|날$|뒤|후에|후부터|전에|전부터|이후|이전|부터|까지|마다|동안|사이|째|간격|걸러|이내|안에|격[일주월년]"
)
"""Words that make a difference; where nobody understood them, the phrase was not understood."""


def parse_phrase(text: str, *, now: datetime, timezone: str = "Asia/Seoul", language: str | None = None) -> Schedule:
    """The schedule that the phrase says, seen from `now` (without tzinfo: in `timezone`).

    Raises IncompleteSchedule, AmbiguousSchedule, ImpossibleSchedule, UnsupportedSchedule or NotASchedule, whose hints
    ask back in `language` (`ko` or `en`; by default the phrase's own).
    """
    plain = plain_text(text[: _LONGEST + 1])
    pieces = phrase_lexer().read(plain.plain)
    reading = reading_of(plain, pieces, now, timezone, language=language)
    if len(text) > _LONGEST:
        raise reading.nothing()
    pieces = join(pieces)
    words = [plain.plain[piece.start : piece.end].strip() for piece in pieces if isinstance(piece, Word)]
    for word in words:
        if any(letter.isalpha() for letter in word):
            reading.note("unread", text=word)
    schedule = compose(reading, frame(reading, pieces))
    if telling := next((word for word in words if _TELLING.match(word)), None):
        raise reading.unsupported(telling)
    return schedule


def reading_of(text: Text, pieces: Pieces, now: datetime, timezone: str, *, language: str | None = None) -> Reading:
    """The circumstances of reading; a time zone in the phrase replaces the given one."""
    zones = [piece.names for piece in pieces if isinstance(piece, Zone)]
    name = zones[0][0] if zones else timezone
    local = (now if now.tzinfo else now.replace(tzinfo=zone_of(timezone))).astimezone(zone_of(name))
    spoken = "ko" if (language or language_of(text.plain)) == "ko" else "en"
    reading = Reading(text.original, text.plain, spoken, local, name)
    several = next((names for names in zones if len(names) > 1), None)
    if several:
        raise reading.ambiguous(*several)
    if len({names[0] for names in zones}) > 1:
        raise reading.contradiction()
    return reading


@cache
def phrase_lexer() -> Lexer:
    """The lexer of both languages, which may be mixed."""
    return lexer((*KOREAN_RULES, *ENGLISH_RULES, *ZONE_RULES), (*KOREAN_TAILS, *ZONE_TAILS))
