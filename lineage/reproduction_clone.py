"""A clone in which a version is rebuilt: an empty cache, data from the remote, every byte hashed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from experiments import stage_enclosure, stage_environment
from experiments.job_context import JobContext
from experiments.pipeline_clone import PipelineClone
from experiments.pipeline_summary import place
from integrations import dvc_ignore, enclosure
from integrations.dvc_commands import DVCError
from integrations.dvc_records import Lock, Pipeline
from integrations.dvc_verification import Mismatch, verify_outputs
from integrations.errors import IntegrationError
from integrations.yaml_text import load_mapping
from lineage import foreign_sources, reproduction_words
from lineage.rebuilt import NotRebuiltError, Verdict
from registry.clone_paths import has_linked_parent, is_inside

_SHOWN = 10
_BY_KIND = {
    "missing": Verdict.MISSING_DATA,
    "changed": Verdict.CHANGED_INPUT,
    "unverifiable": Verdict.NO_RECORD,
}
# The pipeline is run whole: no result of an earlier run may stand in for one of this.
_FORCED = ("--force", "--no-run-cache", "--no-commit")


class RebuildClone(PipelineClone):
    """A clone with a cache of its own, in which nothing runs that is not enclosed."""

    def __init__(self, context: JobContext) -> None:
        super().__init__(context, cache_dir=context.workspace / "cache")
        self.isolation: dict[str, Any] = {}

    def enclose(self) -> None:
        """Keep whatever runs here away from what is not its own.

        :raises NotRebuiltError: the host does not offer that, and the operator does not allow to go without
        """
        wanted = stage_enclosure.for_stages(self.context.workspace, network=settings.REPRODUCE_NETWORK)
        refusal = enclosure.available(wanted, self.path)
        self.isolation = {"enclosed": not refusal, "network": bool(refusal) or wanted.network, "why": refusal}
        if not refusal:
            self.before_stages = tuple(wanted.prefix())
            self._enclose_transfers([])
        elif settings.REPRODUCE_UNENCLOSED:
            self.context.log(f"The stages are not enclosed: {refusal}")
        else:
            raise NotRebuiltError(Verdict.NOT_ENCLOSED, reproduction_words.NOT_ENCLOSED % {"reason": refusal})

    def check_remotes(self) -> None:
        """Refuse a configuration that would make DVC do more than fetch data from other places.

        :raises NotRebuiltError: it reads what is not the repository's
        """
        listing = self.dvc("config", "--list", "--project", on_line=_nothing)
        found = foreign_sources.remotes(listing, self.path / ".dvc")
        folders = {name: Path(url) for name, url in found.items() if "://" not in url}
        for name, folder in folders.items():
            if stage_enclosure.is_private(folder):
                text = f"The DVC remote {name} is a folder of this installation."
                raise NotRebuiltError(Verdict.MISSING_DATA, text)
        if self.isolation["enclosed"]:
            self._enclose_transfers(folders.values())

    def pull_inputs(self, pipeline: Pipeline, lock: Lock) -> None:
        """Bring what the stages read, and none of them makes, here from the remote.

        :raises NotRebuiltError: it is not there
        :raises IntegrationError: temporary: the remote cannot be reached
        """
        needed = {path for _stage, path, _md5 in inputs_of(pipeline, lock)}
        targets = sorted(
            {file for path, file in self.tracked().items() if any(_overlap(path, one) for one in needed)}
        )
        foreign = [one for one in targets if self._is_foreign(one)]
        try:
            self.pull([one for one in targets if one not in foreign])
            # DVC follows the configuration of the repository that it clones for them, which nobody looked at.
            self.pull(foreign, env=stage_environment.for_foreign_transfers(self.context.workspace))
        except IntegrationError as error:
            if not error.permanent:
                raise
            raise NotRebuiltError(Verdict.MISSING_DATA, error.message) from None

    @contextlib.contextmanager
    def recorded(self, paths: Iterable[str]) -> Iterator[None]:
        """Bring recorded outputs here as far as the remote has them, to be compared with.

        Afterwards the cache is as it was: no stage finds its result there.
        """
        before = set(self._objects())
        missing = [path for path in paths if not (self.path / path).exists()]
        if not self._pulled(missing):  # one after the other, for the sake of those that are there
            for path in missing:
                if not self._pulled([path]):
                    self.context.log(f"{path} was not pushed")
        yield
        for file in set(self._objects()) - before:
            file.unlink()

    def check_inputs(self, pipeline: Pipeline, lock: Lock) -> list[dict[str, str]]:
        """Hash everything that the stages start from against the lock; return it as rows.

        :raises NotRebuiltError: something is not what was recorded; it is named
        """
        mismatches = {one.path: one for one in self.mismatches(pipeline, lock, deps=True)}
        rows, wrong = [], []
        for stage, path, md5 in inputs_of(pipeline, lock):
            found = mismatches.get(path)
            kind = found.kind if found and found.expected == md5 else "same"
            rows.append({"stage": stage, "path": path, "recorded": md5, "state": kind})
            if found and kind != "same":
                wrong.append(found)
        if wrong:
            kinds = {one.kind for one in wrong}
            verdict = _BY_KIND[kinds.pop()] if len(kinds) == 1 else Verdict.CHANGED_INPUT
            names = "; ".join(name for one in wrong[:_SHOWN] for name in self._named(one))
            raise NotRebuiltError(verdict, f"Not what dvc.lock recorded: {names}.")
        return rows

    def mismatches(self, pipeline: Pipeline, lock: Lock, *, deps: bool) -> list[Mismatch]:
        """Return what is here and not what `lock` says."""
        found = verify_outputs(
            self.path,
            lock,
            deps=deps,
            pipeline=pipeline,
            ignored=functools.partial(dvc_ignore.ignored, self.path, self.quiet_commands()),
            should_stop=self.context.should_stop,
        )
        self.context.check()
        return found

    def content(self, path: str) -> bytes | None:
        """Return what a file of the repository holds; None where there is none, or where it is a link."""
        file = self.path / path
        if not is_inside(path) or has_linked_parent(self.path, file):
            return None
        return file.read_bytes() if file.is_file() and not file.is_symlink() else None

    def rebuild(self, on_line: Callable[[str], None]) -> None:
        """Run every stage.

        :raises DVCError: one failed
        """
        self.repro(on_line, *_FORCED)

    def _enclose_transfers(self, remotes: Iterable[Path]) -> None:
        self.before_transfers = tuple(stage_enclosure.for_transfers(self.context.workspace, remotes).prefix())

    def _is_foreign(self, target: str) -> bool:
        content = load_mapping((self.path / target).read_bytes(), target)
        return foreign_sources.check_source(target, content)

    def is_recorded(self, path: str, out: str, md5: str) -> bool:
        """Say whether a file here is what `dvc.lock` recorded of the output `out` that it is, or lies in."""
        if path != out:
            md5 = (self._listing(md5) or {}).get(path.removeprefix(f"{out}/"), "")
        return _md5(self.path / path) == md5

    def _named(self, wrong: Mismatch) -> list[str]:
        """Return the files that are wrong, by the listing of a folder where there is one."""
        listing = self._listing(wrong.expected)
        if wrong.kind != "changed" or listing is None:
            found = f", hash {wrong.found} instead of {wrong.expected}" if wrong.found else ""
            return [f"{wrong.path} ({wrong.kind}{found})"]
        folder = self.path / wrong.path
        here = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
        named = [f"{wrong.path}/{name} (missing)" for name in listing if name not in here]
        named += [f"{wrong.path}/{name} (added)" for name in sorted(here - set(listing))]
        named += [
            f"{wrong.path}/{name} (changed, hash {found} instead of {md5})"
            for name, md5 in listing.items()
            if name in here and (found := _md5(folder / name)) != md5
        ]
        return named[:_SHOWN] or [f"{wrong.path} (changed, hash {wrong.found} instead of {wrong.expected})"]

    def _pulled(self, paths: list[str]) -> bool:
        try:
            self.pull(paths)
        except (IntegrationError, DVCError):
            self.context.check()
            return False
        return True

    def _objects(self) -> Iterator[Path]:
        return (file for file in self.cache_dir.rglob("*") if file.is_file())

    def _listing(self, md5: str) -> dict[str, str] | None:
        """Return path -> hash of a folder, from the object of its hash; None without one that is whole."""
        for place_of in (self.cache_dir / "files" / "md5", self.cache_dir):
            file = place_of / md5[:2] / md5[2:]
            if not md5.endswith(".dir") or not file.is_file() or f"{_md5(file)}.dir" != md5:
                continue
            return {one["relpath"]: one["md5"] for one in json.loads(file.read_bytes())}
        return None


def inputs_of(pipeline: Pipeline, lock: Lock) -> list[tuple[str, str, str]]:
    """Return stage, path and recorded hash of what stages read and none of them makes."""
    folders = {stage.name: stage.wdir for stage in pipeline.stages}
    made = {
        place(folders.get(name, "."), out.path) for name, stage in lock.stages.items() for out in stage.outs
    }
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for name, stage in lock.stages.items():
        for dep in stage.deps:
            path = place(folders.get(name, "."), dep.path)
            if not any(_overlap(path, out) for out in made):
                found.setdefault((path, dep.md5 or ""), (name, path, dep.md5 or ""))
    return list(found.values())


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _nothing(_: str) -> None:
    pass
