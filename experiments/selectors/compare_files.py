"""The files of compared runs: which there are, and one of them of every run, asked for where missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from experiments import environments, run_files
from experiments.file_kinds import Kind, text_of
from experiments.models import Run, RunFile
from experiments.selectors import run_files as stored
from experiments.selectors.run_files import RunFiles

MAX_OFFERED = 300
_SHOWN = (Kind.MATRIX, Kind.IMAGE, Kind.CONFIG, Kind.TEXT, Kind.MARKDOWN, Kind.TABLE)


@dataclass(frozen=True)
class Offered:
    """A path at which at least one run has a file that can be shown."""

    path: str
    kind: str
    runs: int


@dataclass(frozen=True)
class RunContent:
    """The file of one run.

    :ivar file: None: it has none at this path, or its listing is not there yet
    :ivar data: its bytes, once they are there
    """

    run: Run
    known: RunFiles
    file: RunFile | None
    data: bytes | None

    @property
    def text(self) -> str | None:
        """What it says, if it is text."""
        return None if self.data is None else text_of(self.data)


@dataclass(frozen=True)
class Offer:
    """What there is to compare.

    :ivar waits: whether listings are being read, so that there may be more
    :ivar problem: why one could not be read, in words
    """

    files: list[Offered]
    waits: bool
    problem: str

    @property
    def paths(self) -> list[str]:
        """The paths alone."""
        return [one.path for one in self.files]


def offer(runs: Sequence[Run]) -> Offer:
    """Return the files that can be compared, matrices and images first; ask for missing listings."""
    known = run_files.obtain(runs).values()
    rows = RunFile.objects.filter(run__in=[run.pk for run in runs], kind__in=_SHOWN).order_by()
    counted = rows.values("path", "kind").annotate(runs=Count("pk")).order_by("path")
    found = [Offered(row["path"], row["kind"], row["runs"]) for row in counted[:MAX_OFFERED]]
    return Offer(
        files=sorted(found, key=lambda one: (_SHOWN.index(Kind(one.kind)), one.path)),
        waits=any(one.waits for one in known),
        problem=next((one.problem for one in known if one.problem), ""),
    )


def read(runs: Sequence[Run], path: str) -> list[RunContent]:
    """Return the file at `path` of each run, and ask for what is missing. A fixed number of queries."""
    known = run_files.obtain(runs, path=path)
    files = {run.pk: next(iter(known[run.pk].files), None) for run in runs}
    contents = stored.contents([file for file in files.values() if file])
    return [
        RunContent(run, known[run.pk], file, contents.get(file.pk) if file else None)
        for run in runs
        for file in [files[run.pk]]
    ]


def read_environments(runs: Sequence[Run], paths: Sequence[str]) -> tuple[list[dict[str, str]], bool]:
    """Return the environment of each run, and whether more is on its way.

    :param paths: that the runs have; of each of `environments.NAMES` the first counts
    """
    first = {path.rpartition("/")[2]: path for path in sorted(paths, key=len, reverse=True)}
    texts: list[dict[str, str]] = [{} for _run in runs]
    waits = False
    for name in environments.NAMES:
        if name not in first:
            continue
        for at, one in enumerate(read(runs, first[name])):
            waits = waits or one.known.waits
            if one.text is not None:
                texts[at][name] = one.text
    return [environments.environment(one) for one in texts], waits
