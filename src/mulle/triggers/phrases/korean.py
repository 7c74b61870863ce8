"""Korean for the lexer: the rules of times and days, and the particles that bind them."""

from mulle.triggers.phrases.korean_days import KOREAN_DAYS
from mulle.triggers.phrases.korean_times import KOREAN_TIMES
from mulle.triggers.phrases.lexer import Rules
from mulle.triggers.phrases.pieces import Approx, Beyond, Event, Include, Mark, Same

_NO_EVENT = (
    "[가-힣]*(?:휴일|주말|평일|요일|말일|날|영업일|근무일)이?면|"
    "화면|측면|장면|라면|표면|전면|후면|정면|반면|도면|지면|단면|냉면|내면|가면"
)

KOREAN_RULES: Rules = (
    *KOREAN_TIMES,
    *KOREAN_DAYS,
    (r"그리고|및|또한", lambda _: Mark(kind="and")),
    (r"또는|혹은|아니면", lambda _: Mark(kind="or")),
    (
        r"(?:약|대략)(?=\s*(?:(?a:\d)|오[전후]|저녁|아침|새벽|밤|낮|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열))",
        lambda _: Approx(),
    ),
    (r"매(?=\s)", lambda _: Mark(kind="each")),
    (
        rf"(?!(?:{_NO_EVENT})(?:[^가-힣]|$))[가-힣]*(?:[가-힣]면|때마다|자마자|(?:는|은|되는|하는)\s*즉시)(?=[\s,.]|$)",
        lambda _: Event(),
    ),
    (r"(?:[ㄱ-ㅎ가-힣]+\s)?때마다(?=[\s,.]|$)", lambda _: Event()),
)
"""What may begin anywhere."""

KOREAN_TAILS: Rules = (
    (r"\s*부터(?:는|의)?", lambda _: Mark(kind="from_after")),
    (r"에서(?:부터)?", lambda _: Mark(kind="from_after")),
    (r"\s*까지(?:는|의|만)?", lambda _: Mark(kind="until_after")),
    (r"\s*(?:이전|전|이후|후|넘어서?|지나서?)(?:에|부터|까지)?(?![가-힣])", lambda _: Beyond()),
    (r"\s*(?:사이|동안|내내)(?:에는|에|의)?(?![가-힣])", lambda _: Mark(kind="within_after")),
    (r"\s?마다(?:\s*한\s*번씩?)?", lambda _: Mark(kind="each_after")),
    (r"에(?:는|만|다|다가)?|엔", lambda _: Mark(kind="at_after")),
    (r"에도|도(?=[\s,])", lambda _: Include()),
    (r"(?:에)?(?:와|과|이랑|랑|하고|및)(?=[\s,]|[0-9가-힣])", lambda _: Mark(kind="and")),
    (r"(?:이나|나)(?=[\s,])", lambda _: Mark(kind="or")),
    (r"(?:이?면서|이고|이자|이면|인\s*날(?:에|은|에는)?|일\s*때)(?=\s)", lambda _: Same()),
    (r"\s?(?:쯤|경|께|무렵|즈음|정도|전후|언저리)(?:에|에는|마다)?", lambda _: Approx()),
    (
        r"(?:씩|은|는|이|가|을|를|의|만|로|으로|로는|간|엔|요|이요|이에요|예요|입니다|임|야|이야|대|자로|기준(?:으로)?)(?![가-힣])",
        lambda _: (),
    ),
)
"""What may only stand behind a piece."""
