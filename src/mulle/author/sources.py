"""Find in a clause where data comes from: connectors of packs, addresses, and things that nothing here knows."""

from collections.abc import Mapping, Sequence
from typing import Any

from mulle.author.domain import Connector, Language, connectors, installed_packs
from mulle.author.language.clauses import Clause
from mulle.author.language.numerals import plain
from mulle.author.language.tokens import Token
from mulle.author.request import Source

ITEM_UNITS = frozenset({
    "", "개", "건", "편", "가지", "곳", "군데", "명", "item", "items", "article", "articles", "result", "results",
    "post", "posts", "stories", "place", "places", "headline", "headlines",
})  # fmt: skip
_ABOUT = frozenset({"about", "on", "for", "of", "regarding", "covering", "mentioning", "related to", "tagged"})
_STOP_ROLES = frozenset({"from", "by", "at", "subject"})
_ORDERS = ("newest", "popular", "cheapest", "dearest", "nearest")


def read_sources(clause: Clause, language: Language, used: set[int], *, bare: bool = False) -> list[Source]:
    """The sources of a clause.

    Args:
        clause: One clause.
        language: Decides on which side of a noun its topic stands.
        used: Gets the places of the tokens that were understood.
        bare: Whether something unknown may be a source by being what is collected.
    """
    urls = [token for token in clause.tokens if token.kind == "url"]
    if urls:
        used |= {token.start for token in urls}
        count = count_in(clause)
        counted = {"display": count} if count else {}
        return [Source(connector_of(one.text, clause), one.text, {"url": one.text, **counted}) for one in urls]
    found = _named(clause)
    if found:
        return [_source(one, clause, language, used) for one in found]
    return _unknown(clause, used) if bare else []


def connector_of(url: str, clause: Clause | None = None) -> str:
    """The generic connector for an address: by the word beside it, else by how it is written."""
    said = [name for _, name in clause.means("connector")] if clause else []
    for name in said:
        if name.startswith("generic."):
            return name
    generic = [one for one in connectors().values() if one.addresses]
    return next(one.id for one in generic if any(sign in url.lower() for sign in one.addresses))


def count_in(clause: Clause, units: frozenset[str] | set[str] = ITEM_UNITS) -> int | None:
    """The first whole count with one of these units."""
    for token in clause.tokens if clause.kind != "if" else ():
        if token.kind == "count" and token.unit in units and not token.text.startswith(("$", "₩")):
            return max(1, int(token.value))
    return None


def _named(clause: Clause) -> list[Connector]:
    """Connectors that a clause names, the domain's own before those of others."""
    packs = [name for _, name in clause.means("pack")]
    names: dict[str, None] = {}
    for token in clause.tokens:
        options = [surface.meaning.name for surface in token.surfaces if surface.meaning.kind == "connector"]
        of_pack = [name for name in options if name.partition(".")[0] in packs]
        if of_pack or options:
            names.setdefault((of_pack or options)[0])
    if not names and packs:
        pack = installed_packs()[packs[0]]
        names.setdefault(next(one for one in pack.connectors if one.default or one is pack.connectors[-1]).id)
    if not names and (hint := next((name for _, name in clause.means("hint")), None)):
        names.setdefault(hint)
    return [connectors()[name] for name in names if not name.startswith("generic.") or len(names) == 1]


def _source(connector: Connector, clause: Clause, language: Language, used: set[int]) -> Source:
    values: dict[str, Any] = {}
    for name, parameter in connector.parameters.items():
        match parameter.find:
            case "topic":
                topic = topic_of(clause, connector, language, used)
                if topic:
                    values[name] = topic
            case "count":
                count = count_in(clause)
                if count:
                    values[name] = count
            case "order":
                order = next((group for group in _ORDERS if clause.means(group)), None)
                if order and order in parameter.choices:
                    values[name] = parameter.choices[order]
            case "region":
                region = next((place for _, place in clause.means("region")), None)
                if region:
                    values[name] = region
            case "url":
                pass
    used |= {token.start for token in clause.tokens if token.covered}
    return Source(connector.id, connector.title.of(language), values)


def topic_of(clause: Clause, connector: Connector, language: Language, used: set[int]) -> str:
    """What the asked-for things are about: quoted words, else the words beside the connector's own."""
    quoted = [token for token in clause.tokens if token.kind == "quoted"]
    if quoted:
        used |= {token.start for token in quoted}
        return " ".join(token.text for token in quoted)
    places = [number for number, token in enumerate(clause.tokens) if _names(token, connector)]
    places = places or [number for number, token in enumerate(clause.tokens) if token.means("pack")]
    if not places:
        found = _anywhere(clause.tokens) if clause.means("hint") else []
        used |= {token.start for token in found}
        return " ".join(token.text for token in found) or _object(clause, used)
    found = words_before(clause.tokens, places[-1]) if language == "ko" else _english_topic(clause.tokens, places)
    if not found and language == "ko":
        found = _after_place(clause.tokens, places[-1]) or _anywhere(clause.tokens)
    used |= {token.start for token in found}
    return " ".join(token.text for token in found) or (_object(clause, used) if language == "ko" else "")


def _names(token: Token, connector: Connector) -> bool:
    return any(one.meaning.kind == "connector" and one.meaning.name == connector.id for one in token.surfaces)


def documents_in(clause: Clause, language: Language) -> list[Token]:
    """The words for documents that an answer should come from: "규정 문서에서", "from our policy documents"."""
    for number, token in enumerate(clause.tokens):
        if language == "ko" and token.role == "from" and not token.means("pack"):
            return [*words_before(clause.tokens, number), token]
        if language == "en" and token.text.lower() in {"from", "in", "using"}:
            after = [one for one in clause.tokens[number + 1 :] if one.kind in {"word", "unknown", "quoted"}]
            return [one for one in after if not one.means("filler")]
    return []


def words_before(tokens: Sequence[Token], place: int) -> list[Token]:
    """The words that describe the token at a place, as far as they stand directly before it."""
    found: list[Token] = []
    for token in reversed(tokens[:place]):
        if not _topical(token) or token.role in _STOP_ROLES | {"object"} or token.ending:
            break
        found.insert(0, token)
    return found


def _after_place(tokens: Sequence[Token], place: int) -> list[Token]:
    """네이버 뉴스에서 반도체 소식을: the words behind the place, up to the object."""
    found: list[Token] = []
    for token in tokens[place + 1 :]:
        if not _topical(token) or token.role in _STOP_ROLES:
            if found:
                break
            continue
        found.append(token)
        if token.role == "object":
            break
    return found


def _anywhere(tokens: Sequence[Token]) -> list[Token]:
    """카페 찾아줘 카카오맵에서: the topical words on the verb's side, when the place is not among them."""
    verbs = [number for number, token in enumerate(tokens) if token.kind == "verb"]
    asked = tokens[: verbs[0]] if verbs and verbs[0] else tokens
    return [token for token in asked if _topical(token) and token.role not in _STOP_ROLES]


def _english_topic(tokens: Sequence[Token], places: Sequence[int]) -> list[Token]:
    for number, token in enumerate(tokens):
        if token.text.lower() in _ABOUT and number > min(places):
            after: list[Token] = []
            for one in tokens[number + 1 :]:
                if one.text.lower() in {"the", "a", "an", "any", "all"} and not after:
                    continue
                if not _topical(one) and not (after and one.text.lower() == "and"):
                    break
                after.append(one)
            while after and after[-1].text.lower() == "and":
                after.pop()
            if after:
                return after
    for place in places:
        found = words_before(tokens, place)
        if found:
            return found
    # "10 restaurants near Pangyo station on Kakao map": all that is said before the place to look in.
    return [token for token in tokens[: places[0]] if _topical(token)]


_NOT_TOPICAL = frozenset({"connector", "pack", "filler", "channel", "newest", "popular", "cheapest", "number"})


def _topical(token: Token) -> bool:
    if token.kind in {"unknown", "quoted"}:
        return True
    kinds = {surface.meaning.kind for surface in token.surfaces}
    said = bool(kinds & {"thing", "region", "what", "situation", "private", "hint"})
    return token.kind == "word" and said and not kinds & _NOT_TOPICAL


def _object(clause: Clause, used: set[int]) -> str:
    found = [token for token in clause.tokens if token.role == "object" and _topical(token)]
    used |= {token.start for token in found}
    return " ".join(token.text for token in found)


def _unknown(clause: Clause, used: set[int]) -> list[Source]:
    """Something to get that no pack knows: what stands before a verb of getting, or what a place holds."""
    things = [token for token in clause.tokens if token.kind in {"word", "unknown"} and _is_thing(token)]
    things = [token for token in things if token.role not in {"at", "by"}]
    objects = [number for number, token in enumerate(things) if token.role == "object"]
    things = things[: objects[0] + 1] if objects else things
    if not things:
        return []
    used |= {token.start for token in things}
    return [Source(None, " ".join(dict.fromkeys(token.text for token in things)))]


def _is_thing(token: Token) -> bool:
    kinds = {surface.meaning.kind for surface in token.surfaces}
    if "temporal" in kinds:
        return False
    known = bool(kinds & {"thing", "number", "situation"}) or ("what" in kinds and "channel" not in kinds)
    return token.kind == "unknown" or known


def shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as people read them: 3.0 as 3."""
    return {name: plain(value) if isinstance(value, float) else value for name, value in parameters.items()}
