"""Time zones by the names people use, Korean and English.

An abbreviation that several zones share gives all of them, so that nobody guesses; a place counts only with a word such
as 시간 or "time" behind it, because requests name places for other reasons.
"""

from functools import cache
from zoneinfo import available_timezones

from mulle.triggers.phrases.lexer import Match, Rules
from mulle.triggers.phrases.pieces import Zone

_PLACES = {
    "Asia/Seoul": "한국 대한민국 국내 서울 부산 korea korean seoul busan",
    "Asia/Tokyo": "일본 도쿄 동경 오사카 japan japanese tokyo osaka",
    "Asia/Shanghai": "중국 베이징 북경 상하이 상해 china beijing shanghai",
    "Asia/Hong_Kong": "홍콩 hong_kong",
    "Asia/Taipei": "대만 타이베이 타이완 taiwan taipei",
    "Asia/Singapore": "싱가포르 싱가폴 singapore",
    "Asia/Ho_Chi_Minh": "베트남 호치민 하노이 vietnam hanoi",
    "Asia/Bangkok": "태국 방콕 thailand bangkok",
    "Asia/Jakarta": "자카르타 jakarta",
    "Asia/Manila": "필리핀 마닐라 manila",
    "Asia/Kolkata": "인도 뭄바이 델리 india indian mumbai delhi bangalore kolkata",
    "Asia/Dubai": "두바이 아랍에미리트 dubai uae",
    "Europe/London": "영국 런던 uk british london",
    "Europe/Paris": "프랑스 파리 french paris",
    "Europe/Berlin": "독일 베를린 프랑크푸르트 german berlin frankfurt munich",
    "Europe/Madrid": "스페인 마드리드 madrid",
    "Europe/Rome": "이탈리아 로마 rome",
    "Europe/Amsterdam": "네덜란드 암스테르담 amsterdam",
    "Europe/Zurich": "스위스 취리히 zurich",
    "Europe/Moscow": "모스크바 러시아 moscow",
    "America/New_York": "미국_동부 미_동부 동부 뉴욕 워싱턴 보스턴 eastern us_eastern new_york nyc boston",
    "America/Chicago": "미국_중부 미_중부 시카고 central us_central chicago",
    "America/Denver": "미국_산악 덴버 mountain us_mountain denver",
    "America/Los_Angeles": (
        "미국_서부 미_서부 서부 태평양 로스앤젤레스 la 샌프란시스코 실리콘밸리 시애틀 "
        "pacific us_pacific los_angeles san_francisco seattle california"
    ),
    "America/Toronto": "토론토 toronto",
    "America/Vancouver": "밴쿠버 vancouver",
    "America/Sao_Paulo": "상파울루 sao_paulo",
    "Pacific/Honolulu": "하와이 호놀룰루 hawaii honolulu",
    "Australia/Sydney": "시드니 멜버른 호주_동부 sydney melbourne",
    "Pacific/Auckland": "뉴질랜드 오클랜드 auckland",
    "UTC": "세계_표준 협정_세계 세계_협정 그리니치 universal coordinated_universal greenwich_mean",
}
_ABBREVIATIONS = {
    "kst": ("Asia/Seoul",),
    "jst": ("Asia/Tokyo",),
    "utc": ("UTC",),
    "gmt": ("UTC",),
    "zulu": ("UTC",),
    "et": ("America/New_York",),
    "est": ("America/New_York",),
    "edt": ("America/New_York",),
    "ct": ("America/Chicago",),
    "cdt": ("America/Chicago",),
    "cst": ("America/Chicago", "Asia/Shanghai"),
    "mt": ("America/Denver",),
    "mst": ("America/Denver",),
    "mdt": ("America/Denver",),
    "pt": ("America/Los_Angeles",),
    "pst": ("America/Los_Angeles",),
    "pdt": ("America/Los_Angeles",),
    "hst": ("Pacific/Honolulu",),
    "bst": ("Europe/London",),
    "cet": ("Europe/Berlin",),
    "cest": ("Europe/Berlin",),
    "ist": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "sgt": ("Asia/Singapore",),
    "hkt": ("Asia/Hong_Kong",),
    "ict": ("Asia/Bangkok",),
    "aest": ("Australia/Sydney",),
    "aedt": ("Australia/Sydney",),
    "nzst": ("Pacific/Auckland",),
    "nzdt": ("Pacific/Auckland",),
}
_ZONE_OF = {place.replace("_", ""): zone for zone, places in _PLACES.items() for place in places.split()}
_places = "|".join(
    place.replace("_", r"\s*") for place in sorted(" ".join(_PLACES.values()).split(), key=len, reverse=True)
)
_short = "|".join(sorted(_ABBREVIATIONS, key=len, reverse=True))
_AREAS = "africa|america|antarctica|asia|atlantic|australia|europe|indian|pacific|etc"


def _place(match: Match) -> Zone:
    return Zone(names=(_ZONE_OF["".join(match[1].split())],))


def _abbreviation(match: Match) -> Zone:
    return Zone(names=_ABBREVIATIONS[match[1]])


def _offset(match: Match) -> Zone | None:
    hours = int(match[2])
    if hours > 14:
        return None
    # The database counts west of Greenwich as positive.
    sign = "-" if match[1] == "+" else "+"
    return Zone(names=(f"Etc/GMT{sign}{hours}" if hours else "UTC",))


def _database(match: Match) -> Zone | None:
    name = _database_names().get(match[0])
    return Zone(names=(name,)) if name else None


@cache
def _database_names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


_STANDARD = r"(?:\s*(?:standard|daylight))?"
_in_english = "|".join(
    place.replace("_", r"\s+")
    for place in sorted(" ".join(_PLACES.values()).split(), key=len, reverse=True)
    if place.isascii()
)
ZONE_TAILS: Rules = ((rf"\s+in\s+({_in_english})(?![a-z])", _place),)
"""Right behind a time: 9am in Tokyo."""
ZONE_RULES: Rules = (
    (r"현지\s*(?:시간|시각)(?:\s*기준)?(?:으로)?|(?:in\s+)?local\s+time(?![a-z])", lambda _: ()),
    (rf"({_places})\s*(?:현지\s*)?(?:시간|시각|표준시)(?:대)?(?:\s*기준)?(?:으로는?|로는?)?(?![가-힣])", _place),
    (rf"({_places})\s*기준(?:으로)?(?:\s*(?:시간|시각))?", _place),
    (rf"(?:in\s+)?(?:the\s+)?({_places}){_STANDARD}\s+time(?:zone|\s+zone)?(?![a-z])", _place),
    (rf"(?:in\s+)?({_short})(?:\s*(?:시간|기준|시각)(?:으로|로)?)?(?![a-z])", _abbreviation),
    (r"(?:utc|gmt)\s*([+-])\s*0?((?a:\d{1,2}))(?::?00)?(?!(?a:\d))(?:\s*(?:시간|기준)(?:으로|로)?)?", _offset),
    (rf"(?:{_AREAS})(?:/[a-z_+0-9-]+)+", _database),
)
