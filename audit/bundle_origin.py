"""Rules: whether the origin and the OpenLineage events of an evidence bundle are those of its version.

No database; part of the verifier. What is known of the pipeline stands in `origin.json`: its commit and data
are compared with what the trail and the signed reports name, the events with it.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.bundle_records import OPENLINEAGE, ORIGIN, REPRODUCTIONS, VERSION, Bundle, differences, instant

_JOBS = "stagegate"
_WHOLE = ""
_IDS = uuid.UUID("5f2d3c1e-8a77-5d0e-9c52-3f6c1b0a7e11")  # see `lineage.openlineage_events`

Event = Mapping[str, Any]
File = tuple[str, str, str]


def check_origin(bundle: Bundle, _name: str) -> Iterator[str]:
    """Yield what the origin says otherwise than the version and the reports about it."""
    told, version = bundle.records[ORIGIN], bundle.version
    commit = version["lineage"].get("git_commit") or version["metadata"].get("git_commit") or ""
    repository = version["lineage"].get("stagegate.repository") or ""
    yield from differences(told, {"repository": repository, "commit": commit}, VERSION)
    yield from _runs(told, version)
    hashes = {
        (step["name"], one["path"]): one["hash"]
        for step in told["steps"]
        for one in (*step["inputs"], *step["outputs"])
    }
    for name, report in bundle.records.items():
        if not name.startswith(REPRODUCTIONS) or report["statement"].get("commit") != told["commit"]:
            continue
        said = report["statement"]
        for row in (*said.get("inputs", ()), *said.get("files", ())):
            known = hashes.get((row["stage"], row["path"]))
            if known and row["recorded"] and _plain_hash(known) != _plain_hash(row["recorded"]):
                yield f"{row['path']} of the stage {row['stage']} is {known}, {name} says {row['recorded']}"


def _plain_hash(text: str) -> str:
    """Return DVC's hash without the word for a folder, which is not always kept."""
    return text.removesuffix(".dir")


def _runs(told: Event, version: Event) -> Iterator[str]:
    """Yield what the runs are said to be that cannot be those of the version."""
    events = told["events"]
    if events["system"] == "DVC":
        yield from differences(events, {"steps": told["steps"], "name": told["repository"]}, "the origin")
        return
    made = [one["hash"] for step in events["steps"] for one in step["outputs"]]
    if made != [version["manifest_digest"]]:
        yield f"the run made {made}, {VERSION} says {version['manifest_digest']}"
    for one in events["ran"]:
        if one["run"] not in _run_ids(version["run_id"]):
            yield f"it is of the run {one['run']}, {VERSION} of {version['run_id']}"


def _run_ids(identifier: str) -> Iterator[str]:
    """Yield how OpenLineage may name a run of MLflow."""
    yield str(uuid.uuid5(_IDS, f"run/{identifier}"))
    with contextlib.suppress(ValueError):
        yield str(uuid.UUID(identifier))


def check_events(bundle: Bundle, _name: str) -> Iterator[str]:
    """Yield which events only the file of events knows, or only the origin."""
    events = [_told(one) for one in bundle.records[OPENLINEAGE]]
    right = list(_derived(bundle))
    yield from (f"it says, and {ORIGIN} does not: {one}" for one in events if one not in right)
    yield from (f"it does not say: {one}" for one in right if one not in events)
    if len(events) != len(right):
        yield f"it has {len(events)} events, {ORIGIN} {len(right)}"


def _told(event: Event) -> str:
    """Return what is compared of an event, in words. When a job without a run was described is not."""
    run = event.get("run", {})
    parent = run.get("facets", {}).get("parent", {}).get("run", {}).get("runId", "")
    at = event["eventTime"] if run else ""
    job = event["job"]
    place = job["facets"].get("sourceCodeLocation", {})
    return _words(
        (event.get("eventType", ""), at, run.get("runId", ""), parent),
        (job["namespace"], job["name"], place.get("url", ""), place.get("version", "")),
        [_dataset(one) for one in event["inputs"]],
        [_dataset(one) for one in event["outputs"]],
    )


def _dataset(one: Event) -> File:
    return one["namespace"], one["name"], one["facets"].get("version", {}).get("datasetVersion", "")


def _derived(bundle: Bundle) -> Iterator[str]:
    """Yield every event that the origin and the times of its runs ask for."""
    origin = bundle.records[ORIGIN]
    told = origin["events"]
    ran = {one["step"]: one for one in told["ran"]}
    whole = ran.get(_WHOLE)
    steps = told["steps"]
    if whole and told["system"] == "DVC":
        yield from _run(bundle, _summary(steps), whole, "")
    for step in steps:
        if step["name"] in ran:
            parent = whole["run"] if whole and step["name"] != _WHOLE else ""
            yield from _run(bundle, step, ran[step["name"]], parent)
        else:
            yield _event(bundle, step, ("", "", "", ""), ends=True)


def _run(bundle: Bundle, step: Event, run: Event, parent: str) -> Iterator[str]:
    if instant(run["ended_at"]) < instant(run["started_at"]):
        yield f"a run that ends before it begins: {run['run']}"
    yield _event(bundle, step, ("START", run["started_at"], run["run"], parent), ends=False)
    yield _event(bundle, step, (run["state"], run["ended_at"], run["run"], parent), ends=True)


def _event(bundle: Bundle, step: Event, run: tuple[str, str, str, str], *, ends: bool) -> str:
    told = bundle.records[ORIGIN]["events"]
    namespace = f"{told['system'].lower()}://{told['name']}"
    of_stage = told["system"] == "DVC" and step["name"] != _WHOLE
    name = f"{told['name']}.{step['name']}" if of_stage else told["name"]
    inputs = [(namespace, one["path"], one["hash"]) for one in step["inputs"]]
    outputs = [(namespace, one["path"], one["hash"]) for one in step["outputs"]] if ends else []
    commit = bundle.records[ORIGIN]["commit"] if told["url"] else ""
    return _words(run, (_JOBS, name, told["url"] or "", commit), inputs, outputs)


def _summary(steps: Sequence[Event]) -> Event:
    """Return all stages as one: what none of them makes goes in, what they make comes out."""
    outputs = {one["path"]: one for step in steps for one in step["outputs"]}
    inputs = {one["path"]: one for step in steps for one in step["inputs"] if one["path"] not in outputs}
    return {"name": _WHOLE, "inputs": list(inputs.values()), "outputs": list(outputs.values())}


def _words(
    run: tuple[str, str, str, str], job: Sequence[str], inputs: Sequence[File], outputs: Sequence[File]
) -> str:
    state, at, identity, parent = run
    words = [state or "described", at and instant(at).isoformat(), identity, parent and f"in {parent}", *job]
    files = [" ".join(one) for one in sorted(inputs)], [" ".join(one) for one in sorted(outputs)]
    return " ".join(filter(None, words)) + f", reads {files[0]}, makes {files[1]}"
