"""Rules: how the content of a file is shown: as what it is, not as what it is called. No database, no markup.

Nothing is executed, unpacked or loaded. What cannot be laid out as its name promises is shown as text, with
the reason; what is no text is shown as facts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from experiments import confusion_matrix, csv_tables, json_outline, log_text
from experiments.confusion_matrix import Matrix
from experiments.csv_tables import NoTableError, Table
from experiments.file_kinds import IMAGES, Kind, Media, text_of
from experiments.json_outline import Line, NoOutlineError

ROWS = 100
LINES = 1_000
#: Pixels; a browser needs four bytes of memory for each.
MAX_PIXELS = 40_000_000


class Look(StrEnum):
    """How something is shown."""

    IMAGE = "image"
    MATRIX = "matrix"
    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    TEXT = "text"
    FACTS = "facts"


@dataclass(frozen=True)
class Preview:
    """What is shown of one file.

    :ivar looks: the ways in which it can be shown, the one that was chosen among them
    :ivar problem: why it is not shown as its name promises, in words; empty if it is
    :ivar lines: number and text of the lines of the window; `total` of all of the file
    :ivar start: the first row or line of the window, counted from 0
    """

    look: Look
    looks: tuple[Look, ...]
    problem: str = ""
    table: Table | None = None
    matrix: Matrix | None = None
    outline: tuple[Line, ...] = ()
    text: str = ""
    lines: tuple[tuple[int, str], ...] = field(default=())
    total: int = 0
    start: int = 0

    @property
    def first(self) -> int:
        """Number of the first row or line of the window."""
        return self.start + 1

    @property
    def last(self) -> int:
        """Number of the last one."""
        return min(self.start + self._step, self.total)

    @property
    def before(self) -> int | None:
        """Where the window before this one begins, if there is one."""
        return max(1, self.first - self._step) if self.start else None

    @property
    def after(self) -> int | None:
        """Where the window after this one begins, if there is one."""
        return self.last + 1 if self.last < self.total else None

    @property
    def _step(self) -> int:
        return ROWS if self.look == Look.TABLE else LINES


def preview(
    path: str, kind: str, media: str, facts: dict[str, int], data: bytes, *, look: str = "", start: int = 0
) -> Preview:
    """Return what is shown of a file.

    :param kind: what its name promises
    :param media: what its content is
    :param facts: width and height of an image
    :param look: the way that was asked for, if it is one of those that are possible
    :param start: the first row or line to show, counted from 0
    """
    if media in IMAGES:
        return _image(facts)
    text = text_of(data) if media in (Media.TEXT, Media.EMPTY) else None
    if text is None:
        return Preview(Look.FACTS, (Look.FACTS,))
    looks = _looks(path, kind)
    chosen = next((one for one in looks if one == look), looks[0])
    try:
        return _laid_out(chosen, looks, text, start)
    except (NoTableError, NoOutlineError) as error:
        return _as_text(looks, text, start, problem=str(error))


def is_image(media: str, facts: dict[str, int]) -> bool:
    """Say whether a content is an image that a browser is given: a whole one, and not too large."""
    return media in IMAGES and _image(facts).look is Look.IMAGE


def _image(facts: dict[str, int]) -> Preview:
    width, height = facts.get("width", 0), facts.get("height", 0)
    if not width * height:
        return Preview(Look.FACTS, (Look.FACTS,), problem="It begins like an image and is broken.")
    if width * height > MAX_PIXELS:
        problem = f"An image of {width} x {height} pixels is too large to be shown."
        return Preview(Look.FACTS, (Look.FACTS,), problem=problem)
    return Preview(Look.IMAGE, (Look.IMAGE,))


def _looks(path: str, kind: str) -> tuple[Look, ...]:
    if kind == Kind.MATRIX:
        return (Look.MATRIX, Look.TABLE, Look.TEXT)
    if kind == Kind.TABLE:
        return (Look.TABLE, Look.TEXT)
    if kind == Kind.MARKDOWN:
        return (Look.MARKDOWN, Look.TEXT)
    if path.lower().endswith(".json"):
        return (Look.JSON, Look.TEXT)
    return (Look.TEXT,)


def _laid_out(look: Look, looks: tuple[Look, ...], text: str, start: int) -> Preview:
    if look == Look.MATRIX:
        return Preview(look, looks, matrix=confusion_matrix.matrix(text))
    if look == Look.TABLE:
        table = csv_tables.table(text, start=start, most=ROWS)
        return Preview(look, looks, table=table, total=table.total, start=start)
    if look == Look.JSON:
        return Preview(look, looks, outline=tuple(json_outline.outline(text)))
    if look == Look.MARKDOWN:
        return Preview(look, looks, text=text)
    return _as_text(looks, text, start)


def _as_text(looks: tuple[Look, ...], text: str, start: int, problem: str = "") -> Preview:
    lines = text.removesuffix("\n").split("\n") if text else []
    window = [(start + at + 1, log_text.clean(line)) for at, line in enumerate(lines[start : start + LINES])]
    return Preview(Look.TEXT, looks, problem=problem, lines=tuple(window), total=len(lines), start=start)
