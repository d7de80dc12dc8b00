"""Rules: what a model card must tell, and whether it does.

The sections follow Mitchell et al., "Model Cards for Model Reporting" (2019), in the words that the Hugging
Face Hub's template and its best-known cards use for them; one heading may cover several, such as "Bias,
Risks, and Limitations".
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import takewhile

from registry import card_blocks
from registry.card_blocks import Heading
from registry.card_format import Card, CardError, parse
from registry.card_placeholders import Value, fill

#: What the report says where a placeholder stands for nothing, before its name.
UNKNOWN_PLACEHOLDER = "placeholder"


@dataclass(frozen=True)
class Section:
    """A section that a card must have.

    :ivar name: what it is called (English); stands in the evidence of promotions, so it is never renamed
    :ivar heading: recognises the headings under which it is found, lower case and without signs
    :ivar label: recognises lines such as `**Developed by:** ...` that tell the same
    """

    name: str
    heading: re.Pattern[str]
    label: re.Pattern[str] | None = None


def _section(name: str, heading: str, label: str = "") -> Section:
    return Section(name, re.compile(heading), re.compile(label) if label else None)


INTENDED_USE = _section(
    "Intended use",
    r"\b(intended|direct|downstream|primary|recommended|evaluated) (use|user|usage|uses|users|use cases?)\b"
    r"|^(model )?uses?$|^use cases?$|^applications?$|용도|사용 목적|활용",
    r"^intended use( case)?s?$",
)
OUT_OF_SCOPE = _section(
    "Out-of-scope use",
    r"\bout of scope\b|\bmisuse\b|\bmalicious use\b|\bnot intended\b|\bunintended uses?\b|범위 (밖|외)|금지",
    r"^out of scope( use)?s?$",
)
TRAINING_DATA = _section(
    "Training data",
    r"\b(training|pretraining|finetuning|fine tuning) (data|datasets?|data sets?|corpus|corpora|details)\b"
    r"|^(data|datasets?|data sets?|training)$|학습 (데이터|자료)",
    r"^training (data|datasets?)$",
)
EVALUATION = _section(
    "Evaluation", r"\bevaluations?\b|\bresults?\b|\bbenchmarks?\b|\bperformance\b|\bmetrics\b|평가|성능"
)
LIMITATIONS = _section("Limitations", r"\blimitations?\b|\bcaveats?\b|\bknown issues\b|한계|제한|제약")
ETHICS = _section(
    "Bias and ethical considerations",
    r"\bbias(es)?\b|\bethic(s|al)\b|\bfairness\b|\b(social|broader) im|\bresponsib(le|ility)\b|편향|윤리",
)
OWNERS = _section(
    "Owners",
    r"\bowners?\b|\bcontacts?\b|\bauthors?\b|\bmaintainers?\b|\bdevelopers?\b|\bteam\b|담당|소유|연락처|작성자",
    r"^(owners?|developed by|maintained by|model developers?|contact|authors?)$",
)
LICENCE = _section("Licence", r"\blicen[cs](e|es|ing)\b|라이선스|라이센스", r"^licen[cs]e(\(s\))?$")

REQUIRED = (INTENDED_USE, OUT_OF_SCOPE, TRAINING_DATA, EVALUATION, LIMITATIONS, ETHICS, OWNERS, LICENCE)

# Templates say this where nobody has written anything yet.
_FILLER = re.compile(
    r"\[?\s*(more information needed|needs more information|to be (added|written|determined|done)|"
    r"coming soon|t\.?b\.?[ad]\.?|to\s?do)\s*[.!]*\s*\]?",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?\*\*([^*\r\n]{1,60}?):?\*\*:?[ \t]*([^\r\n]{1,2000})", re.MULTILINE
)
_PLACEHOLDER = re.compile(r"\{\{[ \t]*(?!metrics\.|metadata\.)[^{}\r\n]{1,100}\}\}")
_SIGNS = re.compile(r"[^\w ]+|_")
_NUMBER = re.compile(r"\d|\{\{[ \t]*metrics\.")


def missing(text: str, values: Mapping[str, Value] | None = None) -> tuple[str, ...]:
    """Return the names of the required sections that the card lacks or leaves empty, in their order.

    :param text: the card as it is stored
    :param values: what its placeholders stand for; if given, those that stand for nothing are named as well
    """
    card = parse(text)
    absent = [section.name for section in REQUIRED if not _tells(card, section)]
    if values is not None:
        absent += [f"{UNKNOWN_PLACEHOLDER} {name}" for name in fill(text, values).unknown]
    return tuple(absent)


def _tells(card: Card, section: Section) -> bool:
    if section is LICENCE and _licence(card):
        return True
    if section.label and _labelled(card.body, section.label):
        return True
    source = card_blocks.lines(card.body)
    found = card_blocks.headings(card.body)
    for number, heading in enumerate(found):
        if section.heading.search(_plain(heading.title)):
            text = _content(source, heading, found[number + 1 :], section)
            if _says_something(text) and (section is not EVALUATION or _NUMBER.search(text)):
                return True
    return False


def _content(source: list[str], heading: Heading, after: Collection[Heading], section: Section) -> str:
    """Return what stands under a heading, without headings and without parts that answer another question."""
    inner = list(takewhile(lambda other: other.level > heading.level, after))
    rest = list(after)[len(inner) :]
    end = rest[0].line if rest else len(source)
    kept = source[heading.end : inner[0].line if inner else end]
    left_out = 7
    for here, below in zip(inner, [*inner, None][1:], strict=True):
        if here.level > left_out:
            continue
        left_out = here.level if _is_about_another(here, section) else 7
        if left_out == 7:
            kept += source[here.end : below.line if below else end]
    return "".join(kept)


def _is_about_another(heading: Heading, section: Section) -> bool:
    title = _plain(heading.title)
    return not section.heading.search(title) and any(other.heading.search(title) for other in REQUIRED)


def _says_something(text: str) -> bool:
    left = _PLACEHOLDER.sub("", _FILLER.sub("", card_blocks.without_comments(text)))
    return bool(re.search(r"\w", left))


def _licence(card: Card) -> bool:
    try:
        return bool(card.fields.get("license"))
    except CardError:
        return False


def _labelled(body: str, label: re.Pattern[str]) -> bool:
    return any(label.match(_plain(found[1])) and _says_something(found[2]) for found in _LABEL.finditer(body))


def _plain(title: str) -> str:
    words = " ".join(_SIGNS.sub(" ", title.replace("(s)", "").lower()).split())
    return words.lstrip("0123456789 ")
