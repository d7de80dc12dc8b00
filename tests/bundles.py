"""Evidence bundles for tests: a version with everything in it, bundles of it as a worker makes them."""

import io
import zipfile
from datetime import timedelta
from typing import Any

from accounts.models import User
from accounts.roles import Role
from audit import bundle_verifier, checkpoint_files
from experiments import execution
from experiments.models import Job
from integrations.artifacts import ArtifactFile, manifest_digest
from lineage import bundle_room, evidence_bundle
from lineage.models import EvidenceBundle
from registry import promotion
from registry.models import ModelVersion, Promotion
from tests.cards import make_card
from tests.deployments import make_deployment
from tests.jobs import make_job
from tests.people import make_user
from tests.promotions import set_rules
from tests.registry_story import HOSTILE, full_metadata
from tests.reproductions import make_reproduction
from tests.versions import make_run, make_version

LOCK = {
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


def make_subject() -> ModelVersion:
    """Make a version with an origin, a card, an approved promotion, a reproduction and deployments."""
    set_rules()
    run = make_run(tags={"git_commit": "d" * 40, "git_base_commit": "e" * 40})
    job = make_job("succeeded", result={"lock": LOCK})
    origin = {"git_commit": "d" * 40, "stagegate.repository": "receipt-ocr", "stagegate.job": str(job.pk)}
    files = {"manifest": [vars(one) for one in FILES], "manifest_digest": manifest_digest(FILES)}
    candidate = make_version("1.0.0-rc1", run_id=run.run_id, **files)
    about = {"lineage": origin, "metadata": full_metadata("1.0.0"), "run_id": run.run_id, **files}
    made = make_version(finalises=candidate, **about)
    make_card(made)
    asked = promotion.open_for(made, "Staging", user=make_user(Role.ENGINEER), comment=HOSTILE)
    reviewer = make_user(Role.REVIEWER, username="reviewer")
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest, comment="Good.")
    packaging = {"path": "MLmodel", "sha256": "d" * 64, "source": "packaging", "from": ""}
    make_reproduction(made, registered=[packaging])
    after = make_deployment(made)
    ended = {"retired_at": after.at, "retired_by_name": "engineer", "replaced_by": after}
    make_deployment(made, at=after.at - timedelta(days=1), **ended)
    made.refresh_from_db()
    return made


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
