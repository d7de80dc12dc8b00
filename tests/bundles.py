"""Evidence bundles for tests: a version with everything in it, bundles of it as a worker makes them."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit import bundle_verifier, checkpoint_files, statements, trail
from audit.events import Event
from experiments import execution
from experiments.models import Job
from integrations.artifacts import ArtifactFile, manifest_digest
from lineage import bundle_room, evidence_bundle
from lineage.models import EvidenceBundle, Reproduction
from registry import deployments, promotion, trail_targets
from registry.deployments import Place
from registry.models import Deployment, ModelVersion, Promotion
from tests.cards import make_card
from tests.jobs import make_job
from tests.people import make_user
from tests.promotions import set_rules
from tests.registry_story import HOSTILE, full_metadata
from tests.reproductions import make_reproduction
from tests.versions import make_run, make_version

LOCK: dict[str, Any] = {
    "train": {
        "cmd": "python train.py",
        "deps": [{"path": "data/raw", "md5": "a" * 32 + ".dir", "size": 40, "nfiles": 4}],
        "outs": [{"path": "models", "md5": "b" * 32, "size": 9, "nfiles": None}],
        "params": {},
        "digest": "c" * 64,
    }
}
MODEL_FILE = b"the model itself"
FILES = [ArtifactFile("data/model.pt2", len(MODEL_FILE), "c" * 64), ArtifactFile("MLmodel", 10, "d" * 64)]
_MANIFEST: dict[str, Any] = {
    "manifest": [vars(one) for one in FILES],
    "manifest_digest": manifest_digest(FILES),
}


def make_subject(**changes: Any) -> ModelVersion:
    """Make a version with an origin, a card, an approved promotion, a reproduction and deployments."""
    set_rules()
    run = make_run(tags={"git_commit": "d" * 40, "git_base_commit": "e" * 40})
    job = make_job("succeeded", result={"lock": LOCK})
    origin = {"git_commit": "d" * 40, "stagegate.repository": "receipt-ocr", "stagegate.job": str(job.pk)}
    candidate = make_version("1.0.0-rc1", run_id=run.run_id, **_MANIFEST)
    about: dict[str, Any] = {
        "lineage": origin,
        "metadata": full_metadata("1.0.0"),
        "run_id": run.run_id,
    }
    made = make_registered(finalises=candidate, **about, **changes)
    make_card(made)
    asked = promotion.open_for(made, "Staging", user=make_user(Role.ENGINEER), comment=HOSTILE)
    reviewer = make_user(Role.REVIEWER, username="reviewer")
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest, comment="Good.")
    rebuild(made, registered=[{"path": "MLmodel", "sha256": "d" * 64, "source": "packaging", "from": ""}])
    for days in (2, 1):
        serve(made, at=timezone.now() - timedelta(days=days))
    made.refresh_from_db()
    return made


def make_registered(number: str = "1.0.0", **changes: Any) -> ModelVersion:
    """Create a version that the trail tells of."""
    made = make_version(number, **{**_MANIFEST, **changes})
    names = ("run_id", "manifest_digest", "fingerprint", "reason")
    told = {name: getattr(made, name) for name in names}
    with transaction.atomic():
        trail.record(
            Event.VERSION_REGISTERED,
            actor=trail.Actor("7", made.created_by),
            target=trail_targets.of_version(made),
            data={**told, "reasons": made.bump_reasons},
        )
    return made


def rebuild(version: ModelVersion, **changes: Any) -> Reproduction:
    """Make a report on what the version came from."""
    stage = {"stage": "train", "state": "same"}
    read = {**stage, "path": "data/raw", "recorded": LOCK["train"]["deps"][0]["md5"]}
    made = {**stage, "path": "models", "recorded": LOCK["train"]["outs"][0]["md5"], "state": "identical"}
    return make_reproduction(version, **{"inputs": [read], "files": [made], **changes})


def serve(version: ModelVersion, environment: str = "production-eu", **changes: Any) -> Deployment:
    """Have an engineer record a deployment."""
    engineer = User.objects.filter(username="engineer").first()
    by = engineer or make_user(Role.ENGINEER, username="engineer")
    return deployments.record(version, Place(environment), user=by, **changes)


def made_for(version: ModelVersion, user: User, asked: Promotion | None = None) -> EvidenceBundle:
    """Have a bundle made by a worker, and return it."""
    found = evidence_bundle.request(version, user=user, promotion=asked)
    if found.ready is not None:
        return found.ready
    assert found.job is not None
    assert execution.run(found.job.pk)
    done = Job.objects.get(pk=found.job.pk)
    assert done.state == "succeeded", done.error
    return EvidenceBundle.objects.select_related("version__model").get(job=done.pk)


def bundle_of(version: ModelVersion, user: User, asked: Promotion | None = None) -> bytes:
    """Return the bytes of a bundle."""
    return b"".join(bundle_room.content(made_for(version, user, asked)))


def members(content: bytes) -> dict[str, bytes]:
    """Return what is in a bundle, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(found: dict[str, bytes]) -> bytes:
    """Return an archive of members."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return target.getvalue()


def verified(content: bytes, **changes: Any) -> bundle_verifier.Findings:
    """Verify a bundle with the key of this installation."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return bundle_verifier.verify_bundle(archive, checkpoint_files.public_keys(), **changes)


def signed_again(found: dict[str, bytes]) -> bytes:
    """Return a bundle whose manifest fits its members, signed as whoever holds the key could do it."""
    statement = json.loads(found["MANIFEST.json"])["statement"]
    statement["members"] = [
        {"path": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in found.items()
        if name != "MANIFEST.json"
    ]
    made = statements.sign(bundle_verifier.BUNDLE, statement)
    signed = {"statement": statement, "key": made.key, "signature": made.signature}
    return zipped(found | {"MANIFEST.json": json.dumps(signed).encode()})


def only(found: dict[str, bytes], start: str) -> str:
    """Return the name of the only member that begins with `start`."""
    (name,) = (name for name in found if name.startswith(start))
    return name


def edited(found: dict[str, bytes], name: str, change: Callable[[Any], Any]) -> None:
    """Change the JSON of a member."""
    told = json.loads(found[name])
    change(told)
    found[name] = json.dumps(told).encode()


def faults_of(found: dict[str, bytes]) -> list[str]:
    """Return what the verifier says of members that were signed again."""
    return verified(signed_again(found)).faults
