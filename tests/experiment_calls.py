"""How to do every act of `tests.acts` on runs, jobs and repositories validly; see `tests.act_calls`."""

from collections.abc import Callable

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments.models import SavedView
from lineage.hook_signatures import secret_of
from tests.act_calls import Call
from tests.history import make_data, make_history, make_plan
from tests.jobs import make_commit, make_job, make_repository
from tests.people import make_user
from tests.sweeps import make_sweep
from tests.versions import make_run


def repository(_user: User) -> Call:
    return Call((make_repository().name,))


def new_view(_user: User) -> Call:
    return Call(data={"name": "Best", "query": "sort=metrics.val_cer"})


def own_view(user: User) -> Call:
    now = timezone.now()
    columns = {"owner": user, "owner_name": user.username, "created_at": now, "changed_at": now}
    view = SavedView.objects.create(name="Best", query="sort=name", **columns)
    return Call((view.pk,), {"name": "Worst"})


def run_edit(_user: User) -> Call:
    return Call(data={"runs": [make_run().run_id], "key": "team", "value": "ocr", "archive": ""})


def run_edit_rest(_user: User) -> Call:
    return Call(data={"run_ids": [make_run().run_id], "set_tags": {"team": "ocr"}})


def one_run_edit(**data: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((make_run().run_id,), data)

    return prepare


def run_edit_one_rest(_user: User) -> Call:
    return Call((make_run().run_id,), {"note": "Diverges from epoch 7 on."})


def launch(_user: User) -> Call:
    repository = make_repository()
    commit = make_commit(repository, branch="main")
    return Call((repository.name,), {"ref": "main", "sha": commit.sha, "key": "k"})


def launch_rest(_user: User) -> Call:
    repository = make_repository()
    make_commit(repository, branch="main")
    return Call(data={"kind": "pipeline", "repository": repository.name, "ref": "main", "params": {}})


def job(state: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((make_job(state, user=make_user(Role.ENGINEER)).pk,))

    return prepare


_SWEEP = {"method": "grid", "objective": "val_cer", "direction": "min", "width": 1}


def sweep_form(_user: User) -> Call:
    repository = make_repository()
    make_commit(repository, branch="main")
    parameters = {"params.train.epochs": "1, 2"}
    return Call((repository.name,), {**_SWEEP, **parameters, "start": "1", "expected": "2"})


def sweep_rest(_user: User) -> Call:
    repository = make_repository()
    make_commit(repository, branch="main")
    space = {"train.epochs": {"values": [1, 2]}}
    return Call(data={**_SWEEP, "repository": repository.name, "space": space})


def sweep(state: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((make_sweep(state=state, user=make_user(Role.ENGINEER)).pk,))

    return prepare


def result(_user: User) -> Call:
    repository = make_repository()
    commit = make_commit(repository, branch="main")
    made = {"sha": "a" * 40, "base_sha": commit.sha}
    return Call((make_job("succeeded", repository=repository, result=made).pk,), {"branch": "main"})


def first(_user: User) -> Call:
    return Call((make_job("queued", user=make_user(Role.ENGINEER)).pk,), {"priority": "high"})


def data_changes(_user: User) -> Call:
    repository = make_repository()
    old, new = (make_data(repository, "data/raw", f"{letter * 32}.dir") for letter in "ab")
    return Call((repository.name,), query=f"?old={old.pk}&new={new.pk}")


def plots(_user: User) -> Call:
    commit = make_history(make_repository())
    return Call((commit.repository.name,), query=f"?ref={commit.sha}")


def schedule(_user: User) -> Call:
    return Call((make_repository().name,), {"minutes": 60})


def hook(_user: User) -> Call:
    plan = make_plan(make_repository(), hook_nonce="a number")
    return Call((plan.repository.name,))


def push(_user: User) -> Call:
    plan = make_plan(make_repository(), hook_nonce="a number")
    return Call((plan.repository.name,), {}, headers={"X-Gitlab-Token": secret_of(plan)})


def repository_settings(_user: User) -> Call:
    return Call((make_repository().name,), {"job_limit": 2})


def connection(_user: User) -> Call:
    return Call(data={"name": "receipts", "url": "https://example.org/receipts.git", "description": ""})
