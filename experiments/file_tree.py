"""Rules: the files of a run as folders, of which one at a time is looked at. No database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from experiments.models import RunFile


@dataclass(frozen=True)
class Folder:
    """A folder directly below the one that is looked at, with everything below it."""

    name: str
    path: str
    count: int
    size: int


@dataclass(frozen=True)
class Place:
    """What lies directly in one folder.

    :ivar trail: name and path of each folder above it, the top left out, itself last
    """

    path: str
    folders: tuple[Folder, ...]
    files: tuple[RunFile, ...]
    trail: tuple[tuple[str, str], ...]

    @property
    def is_there(self) -> bool:
        """Whether there is such a folder; the top always is."""
        return not self.path or bool(self.folders or self.files)


def look(files: Iterable[RunFile], path: str) -> Place:
    """Return what lies directly in the folder at `path` (empty: the top), folders and files by name."""
    start = f"{path}/" if path else ""
    folders: dict[str, list[int]] = {}
    direct = []
    for file in files:
        if not file.path.startswith(start):
            continue
        name, slash, _rest = file.path[len(start) :].partition("/")
        if slash:
            counted = folders.setdefault(name, [0, 0])
            counted[0] += 1
            counted[1] += file.size or 0
        else:
            direct.append(file)
    return Place(
        path=path,
        folders=tuple(Folder(name, start + name, *folders[name]) for name in sorted(folders)),
        files=tuple(sorted(direct, key=lambda file: file.path)),
        trail=trail(path),
    )


def trail(path: str) -> tuple[tuple[str, str], ...]:
    """Return name and path of each part of `path`, from the top."""
    parts = path.split("/") if path else []
    return tuple((part, "/".join(parts[: number + 1])) for number, part in enumerate(parts))
