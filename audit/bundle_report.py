"""Rules: whether the tables of `report.html` show what the other members of an evidence bundle say.

No database; part of the verifier. Words that are translated (headings, labels, what a state is called) are
not compared; beside each word that counts the report shows the value that it stands for, which is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from html.parser import HTMLParser
from typing import Any

from audit.bundle_records import DEPLOYMENTS, ORIGIN, REPRODUCTIONS, Bundle, digest_of, instant

_VOID = ("meta", "link", "br", "use", "path")
_FRAME = ("html", "head", "body", "title", "section", "header", "h1", "h2", "p", "dl", "dt", "dd", "div")
_TABLE = ("table", "thead", "tbody", "tr", "th", "td", "time", "code", "span", "svg", "bdi")
_LABELS = ("title", "h1", "h2", "th", "dt", "p")
_DASH = "\N{EN DASH}"

# Texts of a cell; None stands for one that is translated.
Cell = Sequence[str | None]


class _Tables(HTMLParser):
    """Reads the cells of the report by section; `odd` is what the product would not write."""

    def __init__(self) -> None:
        super().__init__()
        self.section, self.open = "", list[str]()
        self.rows: dict[str, list[list[list[str]]]] = {}
        self.fields: list[str] = []
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in (*_FRAME, *_TABLE, *_VOID) or {"style", "hidden"} & told.keys():
            self.odd.append(f"<{tag}>")
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = told.get("aria-labelledby") or ""
            self.rows.setdefault(self.section, [])
        elif tag == "dl" or (tag == "tr" and "tbody" in self.open):
            self.rows.setdefault(self.section, []).append([])
            self.fields.append(told.get("data-field") or "")
        elif tag in ("dd", "td") and self.rows.get(self.section):
            self.rows[self.section][-1].append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        text = _squeezed(data)
        if not text or any(tag in _LABELS for tag in self.open):
            return
        rows = self.rows.get(self.section)
        if {"dd", "td"} & set(self.open) and rows and rows[-1]:
            rows[-1][-1].append(text)
        else:
            self.odd.append(text)

    def handle_comment(self, data: str) -> None:
        self.odd.append(f"<!--{data}-->")


def check_report(bundle: Bundle, name: str) -> Iterator[str]:
    """Yield what the report shows otherwise than the members, or besides them."""
    found = _Tables()
    found.feed(bundle.records[name])
    found.close()
    yield from (f"the product would not write {one!r} there" for one in found.odd)
    expected = dict(_expected(bundle))
    for section in sorted(expected.keys() | found.rows.keys() - {"metadata-title"}):
        right, told = expected.get(section, []), found.rows.get(section, [])
        if not right and len(told) == 1 and len(told[0]) == 1:
            continue  # a sentence that there is nothing
        if len(told) != len(right):
            yield f"{section} has {len(told)} rows, the other members {len(right)}"
        for number, (row, cells) in enumerate(zip(told, right, strict=False), start=1):
            if not _fits(row, cells):
                yield f"{section}, row {number}, shows {row}, the other members say {cells}"
    yield from _metadata(bundle, found)


def _metadata(bundle: Bundle, found: _Tables) -> Iterator[str]:
    fields = [name for name in found.fields if name]
    rows = found.rows.get("metadata-title", [])
    if len(fields) != len(rows) or len(set(fields)) != len(fields):
        yield "a field of the metadata has no name, or is there twice"
    for name, row in zip(fields, rows, strict=False):
        value = bundle.version["metadata"].get(name)
        shown = row[-1][0] if len(row) == 3 and len(row[-1]) == 1 else ""
        unknown = value in (None, "") or name in bundle.version["metadata"].get("unrecorded", ())
        if not unknown and not _same(shown, value):
            yield f"{name} is {shown!r}, version.json says {value!r}"
        if unknown and any(map(str.isdigit, shown)):
            yield f"{name} is {shown!r}, version.json does not know it"


def _same(shown: str, value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(shown) == value
        except ValueError:
            return False
    return shown == _squeezed(str(value))


def _fits(told: list[list[str]], right: Sequence[Cell]) -> bool:
    return len(told) == len(right) and all(
        len(mine) == len(cell) and all(one in (None, text) for text, one in zip(mine, cell, strict=True))
        for mine, cell in zip(told, right, strict=True)
    )


def _expected(bundle: Bundle) -> Iterator[tuple[str, list[Sequence[Cell]]]]:
    version, origin = bundle.version, bundle.records[ORIGIN]
    yield "standing-title", [[*_standing(bundle), *_place(origin)]]
    yield (
        "stages-title",
        [
            [
                _at(one["at"]),
                *map(_texts, (one["from_stage"], one["to_stage"], one["by_name"], one["reason"])),
            ]
            for one in version["stages"]
        ],
    )
    yield "decisions-title", [row for one in _numbered(bundle.promotions) for row in _decision(one)]
    yield "served-title", [_served(one) for one in bundle.records[DEPLOYMENTS]]
    yield (
        "origin-title",
        [
            [_texts(step["name"]), [None], _texts(one["path"]), [one["hash"] or _DASH]]
            for step in origin["steps"]
            for part in ("inputs", "outputs")
            for one in step[part]
        ],
    )
    reports = [one for name, one in bundle.records.items() if name.startswith(REPRODUCTIONS)]
    yield (
        "rebuilt-title",
        [
            [_at(one["at"]), [None, one["statement"]["verdict"]], [None], [digest_of(one["statement"])]]
            for one in reversed(_numbered(reports))
        ],
    )
    files = bundle.records["artifacts.json"]["files"]
    yield "artifacts-title", [[_texts(one["path"]), [None], [one["sha256"]]] for one in files]


def _standing(bundle: Bundle) -> Iterator[Cell]:
    version, card = bundle.version, bundle.records.get("card.json")
    yield from ([version[name]] for name in ("model", "version", "stage"))
    yield [*_at(version["created_at"]), *_texts(version["created_by"])]
    yield from (_texts(version[name]) for name in ("run_id", "fingerprint", "manifest_digest"))
    if version["finalises"]:
        yield [version["finalises"]]
    if card:
        yield [f"#{card['number']}", card["digest"]]


def _place(origin: Mapping[str, Any]) -> Iterator[Cell]:
    yield [origin["repository"] or _DASH]
    yield [origin["commit"] or _DASH]
    if origin["base"]:
        yield [origin["base"]]


def _decision(one: Mapping[str, Any]) -> Iterator[Sequence[Cell]]:
    number = f"#{one['pk']}"
    said = [None, one["state"], *_texts(one["comment"]), None, one["evidence_digest"]]
    yield [[f"{number} {one['to_stage']}"], _at(one["opened_at"]), _texts(one["requested_by_name"]), said]
    for row in one["reviews"]:
        said = [None, row["verdict"], *_texts(row["comment"]), None, row["evidence_digest"]]
        yield [[number], _at(row["at"]), _texts(row["reviewer_name"]), said]
    for row in one["waivers"]:
        yield [[number], _at(row["at"]), _texts(row["by_name"]), [None, row["gate"], *_texts(row["reason"])]]


def _served(one: Mapping[str, Any]) -> Sequence[Cell]:
    until = [*_at(one["retired_at"]), *_texts(one["retired_by_name"])] if one["retired_at"] else [_DASH]
    after = one["replaced_by"]["version"].rpartition("@")[2] if one["replaced_by"] else _DASH
    place = [text for name in ("environment", "url", "note") for text in _texts(one[name])]
    return [place, _at(one["at"]), until, _texts(one["recorded_by_name"]), [after]]


def _numbered(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda one: int(one["pk"]))


def _at(text: str) -> list[str]:
    return [f"{instant(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"]


def _texts(text: str) -> list[str]:
    return [_squeezed(text)] if _squeezed(text) else []


def _squeezed(text: str) -> str:
    return " ".join(text.split())
