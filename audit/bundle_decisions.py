"""Rules: whether an evidence bundle tells what the trail recorded. No database; part of the verifier.

An entry cannot be forged, so what it says of stages, promotions, deployments and the card is what the members
have to say, all of it and no more. When something was decided stands in its row, when it was recorded in the
entry: a moment later. An entry that is not in the excerpt is missed by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.bundle_records import (
    DEPLOYMENTS,
    PROMOTIONS,
    RECORDED,
    TRAIL,
    VERSION,
    Bundle,
    Entry,
    differences,
    late,
    same_instant,
)

_FIRST_STAGE = "Development"
_REGISTERED = ("version.registered", "version.finalised", "version.imported")
_AT_REGISTRATION = {
    **{name: name for name in ("run_id", "manifest_digest", "fingerprint", "reason")},
    "bump_reasons": "reasons",
}
_BEGUN = {
    "promotion.opened": "request",
    "promotion.bypassed": "bypass",
    "production.rolled_back": "rollback",
}
_ENDED = {
    "promotion.bypassed": "approved",
    "production.rolled_back": "approved",
    "promotion.approved": "approved",
    "promotion.changes_requested": "changes_requested",
    "promotion.rejected": "rejected",
    "promotion.withdrawn": "withdrawn",
    "promotion.expired": "expired",
}
_STATES = {"promotion.opened": "open", **_ENDED, "promotion.applied": "applied"}
_CARD_STATES = {
    "card.revised": "draft",
    "card.submitted": "in_review",
    "card.approved": "approved",
    "card.returned": "draft",
}


def check_excerpt(bundle: Bundle) -> Iterator[str]:
    """Yield a fault for each entry of the excerpt that is about something else, and each untold promotion."""
    own = {("version", bundle.target_id)}
    known, told = {str(one["pk"]) for one in bundle.promotions}, set()
    for one in bundle.entries:
        target = (one["target_kind"], one["target_id"])
        is_promotion = target[0] == "promotion" and one["target_name"].startswith(f"{bundle.label} to ")
        if one["model_name"] != bundle.version["model"] or not (target in own or is_promotion):
            yield f"{TRAIL}: entry {one['sequence']} is not about {bundle.name}"
        elif is_promotion:
            told.add(target[1])
    missing = sorted(told - known, key=int) if bundle.is_of_version else []
    for number in _too_new(missing, known, bundle.left_out.get("promotions", 0)):
        yield f"{PROMOTIONS}{number}.json: the audit trail tells of it, and it is not in the bundle"


def check_registration(bundle: Bundle, _name: str) -> Iterator[str]:
    """Yield what `version.json` says otherwise than the entries of how the version came here."""
    version, recorded = bundle.version, dict[str, Any]()
    entries = list(bundle.about_version(*_REGISTERED))
    for one in entries:
        recorded |= one["data"]
    if not entries:
        yield "the audit trail does not tell how the version came here"
        return
    right = {ours: recorded[name] for ours, name in _AT_REGISTRATION.items() if name in recorded}
    imported = entries[0]["event"] == "version.imported"
    yield from differences(version, {**right, "imported": imported}, RECORDED)
    if not imported:
        yield from differences(version, {"created_by": entries[0]["actor_name"]}, RECORDED)
        yield from late("created_at", version["created_at"], entries[0])


def check_stages(bundle: Bundle, _name: str) -> Iterator[str]:
    """Yield what `version.json` says otherwise of the stages over time than the trail."""
    told = bundle.version["stages"]
    entries = list(bundle.about_version("version.stage_changed"))
    yield from _rows("changes of the stage", told, [_move(one) for one in entries])
    for number, (row, one) in enumerate(zip(told, entries, strict=False), start=1):
        # What was found in MLflow has the time and the author that MLflow names.
        if one["data"]["how"] != "import":
            yield from late(f"change {number} of the stage", row["at"], one)
    now = told[-1]["to_stage"] if told else _FIRST_STAGE
    right = {"stage": now, **({"stage_since": told[-1]["at"]} if told else {})}
    yield from differences(bundle.version, right, "the list of its stages")


def check_promotion(bundle: Bundle, name: str) -> Iterator[str]:
    """Yield what a promotion says otherwise than the trail: who asked, for what, and what became of it."""
    told = bundle.records[name]
    entries = bundle.about_promotion(told["pk"])
    begun = [one for one in entries if one["event"] in _BEGUN]
    if len(begun) != 1:
        yield "the audit trail does not tell who asked for it"
        return
    yield from differences(told, _request(bundle, begun[0], entries), RECORDED)
    yield from _remarks(told, entries)
    decided, applied = _last(entries, _ENDED), _last(entries, ("promotion.applied",))
    yield from late("opened_at", told["opened_at"], begun[0])
    yield from late("decided_at", told["decided_at"], decided)
    yield from late("applied_at", told["applied_at"], applied)
    yield from late("followed_up_at", told["followed_up_at"], _last(entries, ("promotion.followed_up",)))


def check_snapshot(bundle: Bundle, name: str) -> Iterator[str]:
    """Yield a fault if the trail does not know the evidence, or the version has other facts than it."""
    told, facts = bundle.records[name], bundle.records[name]["facts"]
    if told["digest"] not in _digests(bundle.about_promotion(told["promotion"])):
        yield f"{RECORDED} has not recorded this evidence of promotion {told['promotion']}"
    if facts["manifest_digest"] == bundle.version["manifest_digest"]:
        names = ("source", "metadata", "fingerprint", "lineage")
        for one in differences(bundle.version, {name: facts[name] for name in names}, "the evidence"):
            yield f"of {VERSION}, {one}"


def check_card_state(bundle: Bundle, name: str) -> Iterator[str]:
    """Yield a fault if the card was not decided upon as it says."""
    told = bundle.records[name]
    entries = bundle.about_version(*_CARD_STATES)
    mine = [one for one in entries if one["data"]["card"] == told["number"]]
    last = mine[-1] if mine else None
    state = _CARD_STATES[last["event"]] if last else "draft"
    by = last["actor_name"] if last and state == "approved" else ""
    yield from differences(told, {"state": state, "decided_by_name": by}, RECORDED)
    if last:
        yield from differences(told, {"digest": last["data"]["digest"]}, RECORDED)


def check_deployments(bundle: Bundle, name: str) -> Iterator[str]:
    """Yield what the deployments say otherwise than the trail, and which of them only one of both knows."""
    told = {one["pk"]: one for one in bundle.records[name]}
    recorded = _by_number(bundle, "deployment.recorded")
    retired = _by_number(bundle, "deployment.retired")
    for number in sorted(told.keys() - recorded.keys()):
        yield f"the audit trail has not recorded deployment {number}"
    missing = sorted(map(str, recorded.keys() - told.keys()), key=int)
    for number in _too_new(missing, set(map(str, told)), bundle.left_out.get("deployments", 0)):
        yield f"deployment {number} is in the audit trail, and not here"
    for number in sorted(told.keys() & recorded.keys()):
        faults = _deployment(told[number], recorded[number], retired.get(number))
        yield from (f"of deployment {number}, {fault}" for fault in faults)
    if len(told) != len(bundle.records[name]):
        yield f"a deployment is in {DEPLOYMENTS} more than once"


def _deployment(told: Mapping[str, Any], recorded: Entry, retired: Entry | None) -> Iterator[str]:
    said = recorded["data"]
    right = {name: said[name] for name in ("environment", "url", "note")}
    right["recorded_by_name"] = recorded["actor_name"]
    right["retired_by_name"] = retired["actor_name"] if retired else ""
    yield from differences(told, right, RECORDED)
    after = (told["replaced_by"] or {}).get("version")
    until = retired["data"] if retired else {"at": None, "replaced_by": None}
    yield from differences({"replaced_by": after}, {"replaced_by": until["replaced_by"]}, RECORDED)
    for name, mine, theirs in (
        ("at", told["at"], said["at"]),
        ("retired_at", told["retired_at"], until["at"]),
    ):
        if not same_instant(mine, theirs):
            yield f"{name} is {mine}, {RECORDED} says {theirs}"
    yield from late("recorded_at", told["recorded_at"], recorded)


def _move(entry: Entry) -> dict[str, Any]:
    said = entry["data"]
    found = {"from_stage": said["from"], "to_stage": said["to"], "how": said["how"]}
    found["promotion_id"] = said["promotion"]
    if said["promotion"] is None:
        found["reason"] = said["reason"]
    return found if said["how"] == "import" else {**found, "by_name": entry["actor_name"]}


def _request(bundle: Bundle, first: Entry, entries: Sequence[Entry]) -> dict[str, Any]:
    """Return what the row of a promotion has to say by its entries."""
    said = first["data"]
    followed = _last(entries, ("promotion.followed_up",))
    states = [_STATES[one["event"]] for one in entries if one["event"] in _STATES]
    return {
        "kind": _BEGUN[first["event"]],
        "requested_by_name": first["actor_name"],
        "to_stage": first["target_name"].removeprefix(f"{bundle.label} to "),
        "comment": said["comment"] if "comment" in said else said["reason"],
        "evidence_digest": _digests(entries)[-1],
        "state": states[-1],
        "followed_up_by": followed["actor_name"] if followed else "",
        "follow_up": followed["data"]["comment"] if followed else "",
    }


def _remarks(told: Mapping[str, Any], entries: Sequence[Entry]) -> Iterator[str]:
    """Yield how reviews, waivers and comments differ from those that the trail recorded."""
    for kind, event, who, names in (
        ("reviews", "promotion.reviewed", "reviewer_name", {"verdict": "verdict", "comment": "comment"}),
        ("waivers", "gate.waived", "by_name", {"gate": "gate", "reason": "reason"}),
        ("comments", "promotion.commented", "by_name", {"anchor": "anchor", "body": "comment"}),
    ):
        mine = [one for one in entries if one["event"] == event]
        rows = [
            {who: one["actor_name"], **{ours: one["data"][name] for ours, name in names.items()}}
            for one in mine
        ]
        yield from _rows(kind, told[kind], rows)
        for number, (row, one) in enumerate(zip(told[kind], mine, strict=False), start=1):
            yield from late(f"at of {kind} {number}", row["at"], one)


def _rows(
    kind: str, told: Sequence[Mapping[str, Any]], recorded: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if len(told) != len(recorded):
        yield f"it has {len(told)} {kind}, {RECORDED} {len(recorded)}"
    for number, (row, right) in enumerate(zip(told, recorded, strict=False), start=1):
        yield from (f"{kind} {number}: {one}" for one in differences(row, right, RECORDED))


def _last(entries: Sequence[Entry], events: Sequence[str] | Mapping[str, str]) -> Entry | None:
    return next((one for one in reversed(entries) if one["event"] in events), None)


def _digests(entries: Sequence[Entry]) -> list[str]:
    """Return the digests of the evidence of a promotion, the newest last."""
    begun = [one["data"]["evidence_digest"] for one in entries if one["event"] in _BEGUN]
    return begun + [one["data"]["after"] for one in entries if one["event"] == "promotion.evidence_renewed"]


def _by_number(bundle: Bundle, event: str) -> dict[int, Entry]:
    return {one["data"]["number"]: one for one in bundle.about_version(event)}


def _too_new(missing: Sequence[str], known: set[str], left_out: int) -> Sequence[str]:
    """Return the `missing` numbers but for the oldest `left_out`, as the manifest says."""
    oldest = missing[:left_out]
    first = min(map(int, known), default=0)
    return [number for number in missing if number not in oldest or int(number) > first]
