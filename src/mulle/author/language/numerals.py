"""Numbers as people write them: 3, 1,400, 세, 열두, 이십, 3만, three, a dozen. Knows no counters."""

import re

_NATIVE_ONES = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "넷": 4, "네": 4, "넉": 4, "다섯": 5, "여섯": 6,
    "일곱": 7, "여덟": 8, "아홉": 9,
}  # fmt: skip
_NATIVE_TENS = {"열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50}
_SINO = {"일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9}
_PLACES = {"십": 10, "백": 100, "천": 1000}
_GREAT = {"만": 10_000, "억": 100_000_000}
_ENGLISH = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
}  # fmt: skip
_DIGITS = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_NATIVE = rf"(?:{'|'.join(_NATIVE_TENS)})(?:{'|'.join(_NATIVE_ONES)})?|{'|'.join(_NATIVE_ONES)}"
NUMERAL = re.compile(
    rf"(?:{_DIGITS})\s?(?:[천만억]+)?|{_NATIVE}|[일이삼사오육칠팔구십백천만억]+|\b(?:{'|'.join(_ENGLISH)})\b",
    re.IGNORECASE,
)
"""A numeral; Korean ones are meaningful only before a counter."""


def number(text: str) -> float | None:
    """The value of a numeral, None if it is none."""
    text = text.strip().replace(",", "").lower()
    if text in _ENGLISH:
        return _ENGLISH[text]
    if text in _NATIVE_ONES:
        return _NATIVE_ONES[text]
    for word, tens in _NATIVE_TENS.items():
        rest = text.removeprefix(word)
        if rest != text and (not rest or rest in _NATIVE_ONES):
            return tens + _NATIVE_ONES.get(rest, 0)
    mixed = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([천만억]*)", text)
    if mixed:
        value = float(mixed[1])
        for unit in mixed[2]:
            value *= _PLACES.get(unit) or _GREAT[unit]
        return value
    return _sino(text)


def _sino(text: str) -> float | None:
    if not text or any(sign not in _SINO and sign not in _PLACES and sign not in _GREAT for sign in text):
        return None
    total, block, digit = 0, 0, 0
    for sign in text:
        if sign in _SINO:
            digit = _SINO[sign]
        elif sign in _PLACES:
            block, digit = block + (digit or 1) * _PLACES[sign], 0
        else:
            total, block, digit = total + (block + digit or 1) * _GREAT[sign], 0, 0
    return total + block + digit


def plain(value: float) -> int | float:
    """3.0 as 3."""
    return int(value) if value == int(value) else value
