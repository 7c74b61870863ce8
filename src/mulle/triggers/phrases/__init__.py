"""Schedule phrases, Korean and English: "매월 말일 오후 6시", "every weekday at 8:30 except public holidays".

`parse_phrase` reads a phrase that is nothing but a schedule, `find_schedule` finds the schedule within a request. The
lexers cut the text into pieces, `join` puts them together, `frame` sorts them, `compose` makes the Schedule or refuses.
"""

from mulle.triggers.phrases.find import find_schedule
from mulle.triggers.phrases.parse import parse_phrase

__all__ = ["find_schedule", "parse_phrase"]
