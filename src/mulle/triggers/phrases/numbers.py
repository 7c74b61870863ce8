"""Numbers as people write them in Korean and English: 9, 아홉, 십오, twenty-five, third, 3rd."""

_NATIVE_ONES = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "서": 3, "넷": 4, "네": 4, "넉": 4, "너": 4,
    "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "여덜": 8, "아홉": 9,
}  # fmt: skip
_NATIVE_TENS = {"열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50}
NATIVE_DAYS = {
    "하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7, "여드레": 8, "아흐레": 9, "열흘": 10,
    "보름": 15,
}  # fmt: skip
_SINO = {digit: value for value, digit in enumerate("영일이삼사오육칠팔구")} | {"공": 0}

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_ORDINALS = (
    "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip

_native = "(?:열|스물|스무|서른|마흔|쉰)?(?:{})".format("|".join(sorted(_NATIVE_ONES, key=len, reverse=True)))
NATIVE = rf"(?:{_native}|열|스물|스무|서른|마흔|쉰)"
SINO = r"(?:[이삼사오육칠팔구]?십[일이삼사오육칠팔구]?|[영공일이삼사오육칠팔구])"
KOREAN = rf"(?:(?a:\d{{1,4}})|{NATIVE}|{SINO})"
"""Regular expression of a Korean number up to 99, or digits."""

_word = "|".join(sorted(_ONES, key=len, reverse=True))
_tens = "|".join(_TENS)
ENGLISH = rf"(?:(?a:\d{{1,4}})|(?:{_tens})(?:[ -](?:{_word}))?|{_word})"
"""Regular expression of an English cardinal up to 59, or digits."""
_ordinal = "|".join(sorted(_ORDINALS, key=len, reverse=True))
ORDINAL = rf"(?:(?a:\d{{1,2}})(?:st|nd|rd|th)|(?:twenty|thirty)[ -](?:{_ordinal})|twentieth|thirtieth|{_ordinal})"
"""Regular expression of an English ordinal up to 39."""


def number(text: str) -> int:
    """The value of what KOREAN, ENGLISH or ORDINAL matched."""
    text = text.strip()
    digits = text[:-2] if text[-2:] in {"st", "nd", "rd", "th"} and text[:1].isdigit() else text
    if digits.isascii() and digits.isdigit():
        return int(digits)
    return _english(text) if text.isascii() else _korean(text)


def _korean(text: str) -> int:
    if text in NATIVE_DAYS:
        return NATIVE_DAYS[text]
    for tens, value in _NATIVE_TENS.items():
        if text.startswith(tens):
            return value + _NATIVE_ONES.get(text[len(tens) :], 0)
    if text in _NATIVE_ONES:
        return _NATIVE_ONES[text]
    if "십" in text:
        tens, ones = text.split("십", maxsplit=1)
        return (_SINO[tens] if tens else 1) * 10 + (_SINO[ones] if ones else 0)
    return _SINO[text]


def _english(text: str) -> int:
    total = 0
    for word in text.replace("-", " ").split():
        if word in {"twentieth", "thirtieth"}:
            total += 20 if word == "twentieth" else 30
        elif word in _TENS:
            total += _TENS[word]
        else:
            total += _ONES.index(word) if word in _ONES else _ORDINALS.index(word)
    return total
