"""Conjugate Korean verbs, so that a vocabulary lists dictionary forms only. Knows no meaning.

A dictionary form ends in 다: 모으다. Its stems are what endings are put on: 모으(고), 모아(서), 모은, 모을, 모았(다).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

_FIRST = 0xAC00
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_TAILS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_JOINED = {"ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅡ": "ㅓ"}
"""What a final vowel becomes when 아/어 melts into it."""
_ABSORBING = frozenset("ㅏㅐㅓㅔㅕㅖ")
"""Final vowels in which 아/어 disappears."""

Shape = Literal["plain", "open", "past", "noun-like", "future", "formal", "nominal"]
"""Of 모으다: plain 모으(고), open 모아(서), past 모았, noun-like 모은, future 모을, formal 모읍, nominal 모음."""


@dataclass(frozen=True, slots=True)
class Stem:
    """One stem of a verb, as it is written."""

    text: str
    shape: Shape


@cache
def stems(dictionary_form: str) -> tuple[Stem, ...]:
    """All stems of a verb, the longest first. The form ends in 다 and is otherwise Hangul or has a Latin head."""
    return tuple(sorted(_stems(dictionary_form.removesuffix("다")), key=lambda stem: -len(stem.text)))


def _stems(stem: str) -> Iterator[Stem]:
    head, last = stem[:-1], stem[-1]
    if last == "하":
        yield from _hada(head)
        return
    yield Stem(stem, "plain")
    lead, vowel, tail = _split(last)
    open_form = _open(head, lead, vowel, tail)
    yield Stem(open_form, "open")
    yield Stem(open_form[:-1] + _with_tail(open_form[-1], "ㅆ"), "past")
    soft = stem
    if tail == "ㄹ":
        soft = head + _join(lead, vowel, "")
        yield Stem(soft, "plain")
    if tail and tail != "ㄹ":
        yield Stem(stem + "은", "noun-like")
        yield Stem(stem + "을", "future")
        yield Stem(stem + "습", "formal")
        yield Stem(stem + "음", "nominal")
        return
    body = soft[:-1]
    yield Stem(body + _with_tail(soft[-1], "ㄴ"), "noun-like")
    yield Stem(body + _with_tail(soft[-1], "ㄹ"), "future")
    yield Stem(body + _with_tail(soft[-1], "ㅂ"), "formal")
    yield Stem(body + _with_tail(soft[-1], "ㅁ"), "nominal")


def _hada(head: str) -> Iterator[Stem]:
    """하다 and what people make of it in speech: 해, 되, 돼, 시키."""
    shapes: dict[str, Shape] = {
        "하": "plain", "해": "open", "하여": "open", "했": "past", "한": "noun-like", "할": "future", "합": "formal",
        "함": "nominal", "되": "plain", "돼": "open", "됐": "past", "된": "noun-like", "될": "future", "됩": "formal",
        "시키": "plain", "시켜": "open", "시킨": "noun-like",
    }  # fmt: skip
    for text, shape in shapes.items():
        yield Stem(head + text, shape)


def _open(head: str, lead: str, vowel: str, tail: str) -> str:
    """The form with 아 or 어: 모아, 골라, 나눠, 찾아, 지워."""
    if not tail and lead == "ㄹ" and vowel == "ㅡ" and head:
        before_lead, before_vowel, _ = _split(head[-1])
        return head[:-1] + _join(before_lead, before_vowel, "ㄹ") + ("라" if before_vowel in "ㅏㅗ" else "러")
    if not tail and vowel == "ㅡ":
        bright = bool(head) and _split(head[-1])[1] in "ㅏㅗ"
        return head + _join(lead, "ㅏ" if bright else "ㅓ", "")
    if not tail and vowel in _JOINED:
        return head + _join(lead, _JOINED[vowel], "")
    if not tail and vowel in _ABSORBING:
        return head + _join(lead, vowel, "")
    if not tail and vowel == "ㅚ":
        return head + _join(lead, "ㅙ", "")
    return head + _join(lead, vowel, tail) + ("아" if vowel in "ㅏㅗㅑ" else "어")


def _split(syllable: str) -> tuple[str, str, str]:
    number = ord(syllable) - _FIRST
    return _LEADS[number // 588], _VOWELS[number % 588 // 28], _TAILS[number % 28]


def _join(lead: str, vowel: str, tail: str) -> str:
    return chr(_FIRST + _LEADS.index(lead) * 588 + _VOWELS.index(vowel) * 28 + _TAILS.index(tail))


def _with_tail(syllable: str, tail: str) -> str:
    lead, vowel, _ = _split(syllable)
    return _join(lead, vowel, tail)


def ends_in_consonant(text: str) -> bool:
    """Whether the last syllable has a final consonant, which decides between 을/를, 이/가, 은/는, 으로/로."""
    last = text[-1:]
    return "가" <= last <= "힣" and bool((ord(last) - _FIRST) % 28)


def ends_in_rieul(text: str) -> bool:
    """Whether the last syllable ends in ㄹ, behind which it is 로 and not 으로."""
    last = text[-1:]
    return "가" <= last <= "힣" and (ord(last) - _FIRST) % 28 == _TAILS.index("ㄹ")
