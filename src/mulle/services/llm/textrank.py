"""Choose the sentences that say most, after TextRank (Mihalcea & Tarau 2004). Pure arithmetic, no model."""

import math
from collections import Counter
from collections.abc import Sequence

from mulle.services.llm.sentences import paragraphs, words

DAMPING = 0.85
ROUNDS = 50
CLOSE_ENOUGH = 1e-5
MOST = 400
"""Sentences that are compared with each other; of a longer text the first ones."""
AGAIN = 0.5
"""What a sentence is worth after another one of its paragraph, so that each of three articles has its say."""
ALIKE = 0.7
"""Two sentences that share so much of their words say the same; one of them is enough."""


def summary(text: str, count: int) -> list[str]:
    """The `count` most telling sentences of a text, in the order of the text; lines are paragraphs."""
    found = [(number, sentence) for number, lines in enumerate(paragraphs(text)) for sentence in lines][:MOST]
    if len(found) <= count:
        return list(dict.fromkeys(sentence for _, sentence in found))
    bags = [Counter(words(sentence)) for _, sentence in found]
    scores = ranks(bags)
    chosen: list[int] = []
    heard: Counter[int] = Counter()
    """How often each paragraph has spoken."""
    left = set(range(len(found)))
    while left and len(chosen) < count:
        best = min(left, key=lambda place: (-scores[place] * AGAIN ** heard[found[place][0]], place))
        left.discard(best)
        if all(_overlap(bags[best], bags[other]) < ALIKE for other in chosen):
            chosen.append(best)
            heard[found[best][0]] += 1
    return [found[place][1] for place in sorted(chosen)]


def ranks(bags: Sequence[Counter[str]]) -> list[float]:
    """The weight of each sentence: how much it shares with sentences that are weighty themselves."""
    size = len(bags)
    weights = [[0.0] * size for _ in bags]
    for one in range(size):
        for other in range(one):
            weights[one][other] = weights[other][one] = _likeness(bags[one], bags[other])
    totals = [sum(row) for row in weights]
    scores = [1.0] * size
    for _ in range(ROUNDS):
        new = [
            (1 - DAMPING)
            + DAMPING
            * sum(weights[other][one] / totals[other] * scores[other] for other in range(size) if weights[other][one])
            for one in range(size)
        ]
        settled = all(abs(a - b) < CLOSE_ENOUGH for a, b in zip(new, scores, strict=True))
        scores = new
        if settled:
            break
    # News says first what matters most; a touch for the place decides between equals.
    return [score * (1 + 0.1 / (1 + place)) for place, score in enumerate(scores)]


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    shared = len(one.keys() & other.keys())
    room = math.log(len(one) + 1) + math.log(len(other) + 1)
    return shared / room if shared and room else 0.0


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    small = min(len(one), len(other))
    return len(one.keys() & other.keys()) / small if small else 1.0
