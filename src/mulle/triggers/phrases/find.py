"""Find the schedule within a request: "매일 아침 9시에 네이버 뉴스에서 기사 3개를 요약해서 메일로 보내줘".

Words divide the pieces into clusters. A cluster counts if it repeats, or sets a day and a time; "오늘 들어온 문의",
"3일치 데이터", "9시 뉴스" and "weekly report" do neither. The spans say what was taken, so that the rest is known.
"""

from collections.abc import Sequence
from datetime import datetime

from mulle.errors import ScheduleError
from mulle.triggers.phrases.compose import compose
from mulle.triggers.phrases.frame import frame
from mulle.triggers.phrases.join import join
from mulle.triggers.phrases.parse import phrase_lexer, reading_of
from mulle.triggers.phrases.pieces import (
    Clock,
    Dates,
    DayPart,
    Days,
    Delay,
    Event,
    Every,
    Except,
    Holiday,
    Include,
    Limit,
    Mark,
    Minute,
    MonthDays,
    Months,
    Move,
    Nth,
    NthDays,
    Number,
    Parity,
    Piece,
    Pieces,
    Ref,
    Strange,
    Times,
    Vague,
    VagueDay,
    Window,
    Word,
    Zone,
    is_mark,
)
from mulle.triggers.phrases.text import Text, plain_text
from mulle.triggers.schedule import Schedule

_LONGEST = 4000
_LATE = Ref | Number | Minute | Clock | DayPart | MonthDays | Dates | Limit | Months | Nth | Delay
"""What begins something new behind a time with its particle: 9시에 | 오늘 …, 8시에 | 오후 3시 회의."""


def find_schedule(
    sentence: str, *, now: datetime, timezone: str = "Asia/Seoul"
) -> tuple[Schedule | ScheduleError | None, list[tuple[int, int]]]:
    """The schedule in the sentence, or the error that asks about it, and the spans of the sentence it was read from.

    None without spans if the sentence names no time; a NotASchedule of kind `event` if it waits for something.
    """
    plain = plain_text(sentence[:_LONGEST])
    pieces = phrase_lexer().read(plain.plain)
    clusters = [cluster for whole in _clusters(pieces) for cluster in _parts(whole) if cluster]
    used = _used(clusters, pieces)
    if not used:
        return _event(plain, pieces, now, timezone)
    complete = [
        (cluster, found) for cluster in used if isinstance(found := _read(plain, [cluster], now, timezone), Schedule)
    ]
    extras = [cluster for cluster in clusters if _is_extra(cluster)]
    if len({(found.crons, found.rrule, found.at) for _, found in complete}) > 1:
        chosen = [cluster for cluster, _ in complete]
        texts = [sentence[slice(*span)] for span in _spans(plain, chosen)]
        result = reading_of(plain, [], now, timezone).ambiguous(*texts)
        return result, _spans(plain, chosen)
    chosen = [complete[0][0]] if complete else used
    chosen = sorted([*chosen, *extras], key=lambda cluster: cluster[0].start)
    return _read(plain, chosen, now, timezone), _spans(plain, chosen)


def _spans(plain: Text, clusters: Sequence[Pieces]) -> list[tuple[int, int]]:
    return [plain.span(cluster[0].start, cluster[-1].end) for cluster in clusters]


def _read(plain: Text, clusters: Sequence[Pieces], now: datetime, timezone: str) -> Schedule | ScheduleError:
    pieces: Pieces = []
    for cluster in clusters:
        pieces += [*cluster, Word(start=cluster[-1].end, end=cluster[-1].end)]
    try:
        reading = reading_of(plain, pieces, now, timezone)
        return compose(reading, frame(reading, join(pieces)))
    except ScheduleError as error:
        return error


def _clusters(pieces: Pieces) -> list[Pieces]:
    """Runs of pieces without words between them."""
    clusters: list[Pieces] = [[]]
    for piece in pieces:
        if isinstance(piece, Word | Event):
            clusters.append([])
        else:
            clusters[-1].append(piece)
    return [cluster for cluster in clusters if cluster]


def _parts(cluster: Pieces) -> list[Pieces]:
    """Cut a cluster where a new thought begins without a word between, such as 매일 9시에 | 오늘."""
    parts: list[Pieces] = [[]]
    repeats = False
    for place, piece in enumerate(cluster):
        before = cluster[place - 1] if place else None
        earlier = cluster[place - 2] if place > 1 else None
        said = is_mark(before, "at_after", "each_after") and isinstance(earlier, Clock | Window | Minute)
        behind = cluster[place + 1] if place + 1 < len(cluster) else None
        bound = is_mark(behind, "from_after", "until_after")
        led = is_mark(before, "from", "until", "starting")
        loose = repeats and isinstance(piece, Ref | Delay) and not bound and not led
        if (said and isinstance(piece, _LATE) and not bound) or loose:
            parts.append([])
        repeats |= isinstance(piece, Every | Times) or (isinstance(piece, Days) and piece.each)
        parts[-1].append(piece)
    return [_trimmed(part) for part in parts]


def _trimmed(part: Pieces) -> Pieces:
    """Without the joining words at its ends that join nothing."""
    start, end = 0, len(part)
    while start < end and _is_loose_before(part[start]):
        start += 1
    while start < end and _is_loose_behind(part[end - 1], part[start : end - 1]):
        end -= 1
    return part[start:end]


def _is_loose_before(piece: Piece) -> bool:
    if isinstance(piece, Except | Include):
        return not piece.before
    if isinstance(piece, Mark):
        return piece.kind not in {"at", "on", "from", "between", "until", "each", "coming", "once"}
    return isinstance(piece, Number | Strange)


def _is_loose_behind(piece: Piece, before: Pieces) -> bool:
    if isinstance(piece, Except | Include):
        return piece.before
    if isinstance(piece, Mark):
        return piece.kind in {
            "and",
            "comma",
            "or",
            "on",
            "from",
            "between",
            "until",
            "to",
            "dash",
            "each",
            "now",
            "then",
        }
    if isinstance(piece, Number):
        last = before[-1] if before else None
        return not (isinstance(last, Mark) and last.kind in {"at", "and", "comma", "to", "dash", "until"})
    return False


def _used(clusters: list[Pieces], pieces: Pieces) -> list[Pieces]:
    """The clusters that say when: those that repeat or set a day; with them, those that set a time."""
    leading = [cluster for cluster in clusters if _leads(cluster)]
    plain = [cluster for cluster in leading if not any(isinstance(piece, Vague) for piece in cluster)]
    leading = plain or leading
    if not leading:
        leading = [cluster for cluster in clusters if any(isinstance(piece, Every) for piece in cluster)]
        if not any(
            _sets_time(cluster) for cluster in clusters
        ):  # "a weekly report" describes, "send it weekly" does not.
            leading = [cluster for cluster in leading if not _describes(cluster, pieces)]
    timed = any(_has_clock(cluster) for cluster in leading)
    repeats = any(
        isinstance(piece, Every) and piece.unit in {"second", "minute", "hour"} for c in leading for piece in c
    )
    following = [] if timed or repeats else [cluster for cluster in clusters if _sets_time(cluster)]
    windows = [cluster for cluster in clusters if repeats and any(isinstance(piece, Window) for piece in cluster)]
    wanted = [*leading, *following, *windows]
    return [cluster for cluster in clusters if any(cluster is other for other in wanted)]


def _leads(cluster: Pieces) -> bool:
    clock = _has_clock(cluster)
    for place, piece in enumerate(cluster):
        behind = cluster[place + 1] if place + 1 < len(cluster) else None
        before = cluster[place - 1] if place else None
        adverbial = is_mark(behind, "at_after", "each_after", "from_after") or is_mark(before, "on", "each", "from")
        match piece:
            case Every(loose=False) | Times() | Parity() | Vague(later=False):
                return True
            case Every(loose=True) if clock:
                return True
            case Days(each=True) if not isinstance(behind, Except | Include) and (clock or adverbial):
                return True
            case Ref(offset=offset) if offset >= 0 and (clock or (adverbial and offset > 0)):
                return True
            case Ref(offset=offset) if offset > 0 and isinstance(behind, DayPart):
                return True
            case Days() | MonthDays(bare=False) | Dates() | Nth() | NthDays() | Months() if clock or adverbial:
                return not (isinstance(piece, Months) and not clock and not is_mark(behind, "each_after"))
            case MonthDays(bare=True) if clock:
                return True
            case Holiday() if clock and not isinstance(behind, Except | Include):
                return True
            case Delay() | VagueDay():
                return True
            case DayPart() if is_mark(behind, "each_after"):
                return True
            case Clock() if is_mark(behind, "each_after"):
                return True
            case _:
                continue
    return False


def _describes(cluster: Pieces, pieces: Pieces) -> bool:
    """Whether a word follows, which the last piece may only describe."""
    behind = next((piece for piece in pieces if piece.start >= cluster[-1].end), None)
    return isinstance(behind, Word)


def _has_clock(cluster: Pieces) -> bool:
    if any(isinstance(piece, Clock | Window) for piece in cluster):
        return True
    return any(
        isinstance(piece, Number) and is_mark(cluster[place - 1], "at") for place, piece in enumerate(cluster) if place
    )


def _sets_time(cluster: Pieces) -> bool:
    """9시에, at 9: a time that says so itself."""
    for place, piece in enumerate(cluster):
        behind = cluster[place + 1] if place + 1 < len(cluster) else None
        before = cluster[place - 1] if place else None
        if isinstance(piece, Clock | Window | Number | Minute) and (
            is_mark(before, "at") or (not isinstance(piece, Number) and is_mark(behind, "at_after"))
        ):
            return True
        if isinstance(piece, Clock) and is_mark(behind, "from_after", "until_after"):
            return True
    return False


def _is_extra(cluster: Pieces) -> bool:
    """공휴일은 빼고, 주말이면 다음 영업일에, 뉴욕 시간으로: what only narrows a schedule."""
    narrow = any(isinstance(piece, Move | Zone) for piece in cluster)
    out = any(isinstance(piece, Except) for piece in cluster) and any(
        isinstance(piece, Holiday | Days) for piece in cluster
    )
    others = any(isinstance(piece, Every | Clock | Window | Ref | Dates | Delay | Times) for piece in cluster)
    return (narrow or out) and not others


def _event(
    plain: Text, pieces: Pieces, now: datetime, timezone: str
) -> tuple[ScheduleError | None, list[tuple[int, int]]]:
    event = next((piece for piece in pieces if isinstance(piece, Event)), None)
    if event is None:
        return None, []
    reading = reading_of(plain, [], now, timezone)
    return reading.nothing("event"), [plain.span(event.start, event.end)]
