"""Rules: whether a `dvc.lock` is of the pipeline beside it, with the parameters beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from typing import Any

from experiments.pipeline_summary import outputs, place
from integrations.dvc_records import Lock, LockedStage, Pipeline, Stage
from integrations.errors import IntegrationError
from integrations.params_files import read_params_file
from lineage.rebuilt import NotRebuiltError, Verdict

#: Content of a file of the clone; None where there is none.
Read = Callable[[str], bytes | None]


def check_lock(pipeline: Pipeline, lock: Lock, read: Read) -> None:
    """Refuse a lock that is not of this pipeline with these parameters.

    :raises NotRebuiltError: something has changed since it was written, or a stage would not be run
    """
    for stage in pipeline.stages:
        locked = lock.stages.get(stage.name)
        if locked is None and not stage.templated and stage.expanded:
            raise NotRebuiltError(Verdict.NO_RECORD, f"dvc.lock records nothing of the stage {stage.name}.")
        if stage.frozen:
            text = f"The stage {stage.name} is frozen, so DVC would not run it."
            raise NotRebuiltError(Verdict.NO_RECORD, text)
        if locked is not None and not stage.templated and locked.cmd.split() != stage.cmd.split():
            raise _other_command(stage.name)
    _Parameters(pipeline, read).check(lock)


def check_rerun(before: Lock, after: Lock) -> None:
    """Refuse what was run by other commands than were recorded: those of templates are known only afterwards.

    :raises NotRebuiltError: so it was
    """
    for name, stage in before.stages.items():
        now = after.stages.get(name)
        if now is not None and now.cmd.split() != stage.cmd.split():
            raise _other_command(name)


class _Parameters:
    """The files of parameters of a commit, each read once."""

    def __init__(self, pipeline: Pipeline, read: Read) -> None:
        self.stages = {stage.name: stage for stage in pipeline.stages}
        self.made = {path for stage in pipeline.stages for path in outputs(stage)}
        self.read = read
        self.found: dict[str, Mapping[Any, Any]] = {}

    def check(self, lock: Lock) -> None:
        for name, locked in lock.stages.items():
            stage = self.stages.get(name) or self.stages.get(name.partition("@")[0])
            for file, key, value in (*_recorded(locked), *self._unrecorded(stage, locked)):
                path = place(stage.wdir if stage else ".", file)
                # What a stage makes is not there yet; it is compared by its hash.
                if path not in self.made and _plain(_at(self._content(path), key)) != _plain(value):
                    said = key if path == "params.yaml" else f"{path}:{key}"
                    text = f"The parameter {said} of the stage {name} is not the one that dvc.lock recorded."
                    raise NotRebuiltError(Verdict.CHANGED_INPUT, text)

    def _unrecorded(self, stage: Stage | None, locked: LockedStage) -> Iterator[tuple[str, str, None]]:
        """Yield what the stage asks for and the lock does not have: it was not there then."""
        for selection in stage.params if stage and not stage.templated else ():
            path = place(stage.wdir, selection.file) if stage else ""
            whole = [] if path in self.made else [str(key) for key in self._content(path)]
            known = locked.params.get(selection.file, {})
            yield from ((selection.file, key, None) for key in selection.keys or whole if key not in known)

    def _content(self, path: str) -> Mapping[Any, Any]:
        if path not in self.found:
            content = self.read(path)
            try:
                self.found[path] = read_params_file(content, path) if content is not None else {}
            except IntegrationError as error:
                text = f"The parameters of {path} cannot be checked: {error.message}"
                raise NotRebuiltError(Verdict.NO_RECORD, text) from None
        return self.found[path]


def _recorded(locked: LockedStage) -> Iterator[tuple[str, str, Any]]:
    for file, values in locked.params.items():
        yield from ((file, key, value) for key, value in values.items())


def _at(params: Any, key: str) -> Any:
    """Return what stands at a dotted key, which may count items of lists; None where nothing does."""
    if isinstance(params, Mapping) and key in params:
        return params[key]
    for part in key.split("."):
        if isinstance(params, list) and part.isdecimal() and int(part) < len(params):
            params = params[int(part)]
        else:
            params = params.get(part) if isinstance(params, Mapping) else None
    return params


def _plain(value: Any) -> Any:
    """Return a value as YAML keeps it, whatever the file could hold besides."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, date | time) or value != value else value


def _other_command(stage: str) -> NotRebuiltError:
    text = f"The command of the stage {stage} is not the one that dvc.lock recorded."
    return NotRebuiltError(Verdict.CHANGED_INPUT, text)
