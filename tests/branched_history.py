"""A Git repository whose commits get branches one after the other, at times by clocks that differ."""

import random
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integrations.git_commands import git_environment
from tests.integrations.git_workshop import git

_START = 1_700_000_000
_STAGE = "stages:\n  train:\n    cmd: python train.py\n    deps: [raw]\n    outs: [model]\n"


@dataclass(frozen=True)
class Made:
    """A commit: `parents` are places of earlier ones, `at` is in seconds."""

    parents: Sequence[int]
    at: int
    files: Mapping[str, str]


def make_commits(path: Path, commits: Sequence[Made]) -> Path:
    """Make a bare repository of `commits`, which no branch reaches yet."""
    path.mkdir()
    git(path, "init", "--quiet", "--bare")
    _git(path, "fast-import", "--quiet", stdin="".join(map(_written, range(len(commits)), commits)))
    return path


def give_branches(source: Path, places: Collection[int]) -> None:
    """Let the commits at `places` have a branch each, and no others."""
    there = git(source, "for-each-ref", "--format=delete %(refname)", "refs/heads")
    wanted = [f"update refs/heads/b{place} {sha}" for place, sha in _shas(source).items() if place in places]
    for orders in (there, "\n".join(wanted)):
        _git(source, "update-ref", "--stdin", stdin=f"{orders}\n" if orders else "")


def by_chance(count: int, chance: random.Random) -> Iterator[Made]:
    """Make up commits: of few contents, with equal times, and children older than their parents."""
    for place in range(count):
        parents = chance.sample(range(place), min(place, chance.choice([1, 1, 2])))
        yield Made(parents, place // 2 + chance.randrange(4), _files(chance))


def tracked(path: str, value: int, size: int = 9) -> str:
    """Return the text of a .dvc file."""
    return f"outs:\n- md5: a{value:031x}\n  size: {size}\n  hash: md5\n  path: {path}\n"


def _files(chance: random.Random) -> dict[str, str]:
    raw, model, copy = (chance.randrange(3) for _ in range(3))
    lock = (
        "schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n"
        f"    deps:\n    - {{path: raw, hash: md5, md5: a{raw:031x}}}\n"
        f"    outs:\n    - {{path: model, hash: md5, md5: a{model:031x}}}\n"
    )
    # The same bytes, said otherwise.
    size = chance.randrange(2)
    return {
        "dvc.yaml": _STAGE,
        "dvc.lock": lock,
        "raw.dvc": tracked("raw", raw),
        "copy.dvc": tracked("copy", copy, size),
    }


def _shas(source: Path) -> dict[int, str]:
    told = git(source, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/kept")
    return {int(place): sha for place, sha in map(str.split, told.splitlines())}


def _git(source: Path, *arguments: str, stdin: str) -> None:
    command = ["git", f"--git-dir={source}", *arguments]
    subprocess.run(command, input=stdin.encode(), check=True, env=git_environment())


def _written(place: int, one: Made) -> str:
    message = f"Change number {place}"
    at = _START + one.at
    lines = [
        f"commit refs/kept/{place}",
        f"mark :{place + 1}",
        f"author Author {place} <a@example.org> {at} +0000",
        f"committer Tester <t@example.org> {at} +0000",
        f"data {len(message)}\n{message}",
        *(f"{word} :{parent + 1}" for word, parent in zip(("from", "merge"), one.parents, strict=False)),
        *(f"M 100644 inline {name}\ndata {len(text)}\n{text}" for name, text in one.files.items()),
    ]
    return "\n".join(lines) + "\n"
