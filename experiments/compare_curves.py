"""What the page of compared runs shows of their curves: which pictures, with which addresses. No database."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from experiments.compare_address import CompareAddress
from experiments.compare_figures import MAX_OVERLAID

MAX_CHARTS = 24
# What says how the table is shown, and is nothing to a figure.
_OF_THE_TABLE = dict.fromkeys(("q", "rows", "point", "charts", "overlaid"))


@dataclass(frozen=True)
class Chart:
    """One picture.

    :ivar url: of its figure
    :ivar tables: its metrics, each with the address of its points
    """

    title: str
    url: str
    tables: list[tuple[str, str]]


@dataclass(frozen=True)
class Curves:
    """All pictures.

    :ivar number: how many metrics have curves, `hidden` of which are not drawn
    :ivar points: how many points they have
    :ivar kept: what the form that draws them anew sends along
    """

    charts: list[Chart]
    number: int
    hidden: int
    points: int
    overlaid: bool
    band: bool
    all_url: str
    kept: list[tuple[str, str]]


def curves(
    lengths: Mapping[str, int], address: CompareAddress, words: Mapping[str, str], baseline: str
) -> Curves:
    """Return the pictures of the metrics that `lengths` counts the points of.

    :param words: of the address: ``overlaid``, ``band``, ``charts``
    :param baseline: id of the run that stands out
    """
    overlaid, everything = words.get("overlaid") == "1", words.get("charts") == "all"
    most = MAX_OVERLAID if overlaid else len(lengths) if everything else MAX_CHARTS
    keys = list(lengths)[:most]
    groups = [keys] if overlaid and keys else [[key] for key in keys]
    figure = address.to("experiments:compare-chart", **_OF_THE_TABLE, baseline=baseline)
    table = address.to("experiments:compare-points", **_OF_THE_TABLE)
    return Curves(
        charts=[
            Chart(
                title=", ".join(group),
                url=figure + "".join(f"&key={quote(key, safe='')}" for key in group),
                tables=[(key, f"{table}&key={quote(key, safe='')}") for key in group],
            )
            for group in groups
        ],
        number=len(lengths),
        hidden=len(lengths) - len(keys),
        points=sum(lengths.values()),
        overlaid=overlaid,
        band=words.get("band") == "1",
        all_url=address.to(charts="all", overlaid=None),
        kept=address.kept("x", "y", "smooth", "band", "overlaid"),
    )
