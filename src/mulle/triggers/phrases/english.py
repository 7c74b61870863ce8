"""English for the lexer: the rules of times and days, and the small words that bind them."""

from mulle.triggers.phrases.english_days import ENGLISH_DAYS
from mulle.triggers.phrases.english_times import ENGLISH_TIMES
from mulle.triggers.phrases.lexer import Rules
from mulle.triggers.phrases.numbers import ENGLISH
from mulle.triggers.phrases.pieces import Approx, DayPart, Event, Mark, Part, Ref

_THIS: dict[str, Part] = {"morning": "morning", "afternoon": "pm", "evening": "evening"}
_END = r"(?![a-z0-9])"

ENGLISH_RULES: Rules = (
    *ENGLISH_TIMES,
    *ENGLISH_DAYS,
    (rf"and{_END}(?:\s+also)?|&|\+|plus{_END}", lambda _: Mark(kind="and")),
    (rf"or{_END}", lambda _: Mark(kind="or")),
    (r"[,·/](?:\s*and(?![a-z]))?", lambda _: Mark(kind="comma")),
    (r"[~-]", lambda _: Mark(kind="dash")),
    (rf"(?:to|thru|through){_END}", lambda _: Mark(kind="to")),
    (rf"from{_END}", lambda _: Mark(kind="from")),
    (
        rf"(?:starting(?:\s+(?:from|on|at|with|in(?!\s+(?:an?|{ENGLISH})\s)))?|beginning(?:\s+(?:on|at|in))?|as\s+of|effective){_END}",
        lambda _: Mark(kind="starting"),
    ),
    (rf"between{_END}", lambda _: Mark(kind="between")),
    (rf"(?:until|till|til|up\s+to|ending(?:\s+(?:on|at|in))?){_END}", lambda _: Mark(kind="until")),
    (rf"(?:at|@){_END}|@", lambda _: Mark(kind="at")),
    (rf"(?:every|each|all){_END}", lambda _: Mark(kind="each")),
    (rf"(?:on|in|of|the){_END}", lambda _: Mark(kind="on")),
    (rf"only{_END}|sharp{_END}|exactly{_END}|precisely{_END}|o'clock{_END}|then{_END}", lambda _: Mark(kind="then")),
    (rf"(?:around|about|approximately|roughly|circa|ish){_END}", lambda _: Approx()),
    (rf"tonight{_END}", lambda _: [Ref(unit="day", offset=0), DayPart(part="night")]),
    (rf"this\s+(morning|afternoon|evening){_END}", lambda m: [Ref(unit="day", offset=0), DayPart(part=_THIS[m[1]])]),
    (
        (
            r"(?:when(?:ever)?|as\s+soon\s+as|each\s+time|every\s+time|if|once)\s+(?:an?|the|new|any|someone|somebody|it|there|i|we|my|our)(?![a-z])"
            r"|on\s+(?:every|each|new)\s+(?:new\s+)?(?:push|commit|order|message|email|file|upload|issue|payment|signup|form|webhook|request)"
            r"|upon\s+[a-z]+"
        ),
        lambda _: Event(),
    ),
)
"""What may begin anywhere."""
