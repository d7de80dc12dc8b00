"""Which files that Git tracks differ between the commits of two versions, and which stages read them."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.roles import Role
from lineage import comparison
from lineage.models import CommitInputs, HistoryCommit
from tests.jobs import make_repository
from tests.lineage_rows import make_history_commit, make_plain_run, make_stage
from tests.people import make_user
from tests.versions import make_version

pytestmark = pytest.mark.django_db
BEFORE, AFTER = "1" * 40, "2" * 40
OID, OTHER = "c" * 40, "d" * 40


@pytest.fixture
def repository():
    return make_repository("receipts")


def made_at(repository, sha: str, number: str, code: dict[str, str], **changes):
    """Create a version of a commit whose stages `clean` and `train` read `code` of Git."""
    reads = [(path, "") for path in code]
    stages = [make_stage(repository, name, reads=reads, sha=sha) for name in ("clean", "train")]
    make_history_commit(repository, sha, stages, **changes)
    inputs = CommitInputs.objects.create(repository=repository, digest=sha[:1] * 64, code=code)
    HistoryCommit.objects.filter(sha=sha).update(inputs=inputs)
    return make_version(number, run_id=make_plain_run(sha, "").run_id)


def test_the_files_that_differ_are_named_with_the_stages_that_read_them(repository):
    one = made_at(repository, BEFORE, "1.0.0", {"src/train.py": OID, "labels.csv": OID, "old.py": OID})
    other = made_at(repository, AFTER, "1.1.0", {"src/train.py": OTHER, "labels.csv": OID}, parents=[BEFORE])
    found = comparison.of(one, other)
    changed = [change for change in found.code if change.differs]
    assert [change.name for change in changed] == ["old.py", "src/train.py"]
    assert (changed[0].first.stages, changed[0].second) == (("clean", "train"), None)
    assert (changed[1].first.oid, changed[1].second.oid) == (OID, OTHER)
    assert changed[1].second.stages == ("clean", "train")


def test_a_file_that_other_stages_read_now_is_the_same_file(repository):
    one = made_at(repository, BEFORE, "1.0.0", {"a.py": OID})
    other = made_at(repository, AFTER, "1.1.0", {"a.py": OID})
    HistoryCommit.objects.get(sha=AFTER).snapshot.entries.first().delete()
    [row] = comparison.of(one, other).code
    assert row.first.stages != row.second.stages
    assert not row.differs


def test_the_page_and_rest_name_them(repository):
    made_at(repository, BEFORE, "1.0.0", {"src/train.py": OID})
    made_at(repository, AFTER, "1.1.0", {"src/train.py": OTHER}, parents=[BEFORE], subject="Faster")
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    query = {"a": "receipt-ocr@1.0.0", "b": "1.1.0"}
    page = client.get(reverse("lineage:compare"), query).content.decode()
    assert "src/train.py" in page
    assert "read by clean, train" in page
    assert page.count(f"node=commit:@{AFTER}") == 2  # the version's commit, and the one that came between
    [row] = client.get(reverse("api-lineage-comparison"), query).json()["code"]
    assert row["differs"]
    assert row["second"] == {"oid": OTHER, "stages": ["clean", "train"]}
