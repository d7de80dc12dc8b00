"""Operations: start, stop and resume a sweep. What it does by itself is in `sweep_progress`."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User
from accounts.roles import Permission
from audit import trail
from audit.events import Event
from experiments import job_priority, jobs, repositories, sweep_progress
from experiments.job_states import ACTIVE
from experiments.jobs import WrongStateError
from experiments.models import Job, Repository, Sweep, Trial
from experiments.sweep_plan import Asked, Plan, make
from experiments.sweep_progress import target


def start(repository: Repository, asked: Asked, *, user: User, key: str | None = None) -> Sweep:
    """Start a sweep; its first jobs wait when this returns, those of a guided search soon after.

    :param key: makes the start idempotent: a key that exists returns its sweep and changes nothing
    :raises PermissionDenied: `user` may not start jobs, or not with this priority
    :raises ValidationError: by field, see `sweep_plan.make`
    """
    about = repositories.target(repository)
    access.require(user, Permission.JOB_SUBMIT, target=about)
    plan = make(repository, asked)
    job_priority.require(user, plan.priority, target=about)
    if key is not None and (existing := Sweep.objects.filter(key=key).first()):
        return existing
    try:
        with transaction.atomic():
            sweep = _write(repository, plan, user, key)
            sweep_progress.advance(sweep.pk)
    except IntegrityError:
        if key is None:
            raise
        return Sweep.objects.get(key=key)  # the same form, sent twice
    return Sweep.objects.get(pk=sweep.pk)


def stop(sweep: Sweep, *, user: User, cancel: bool = False) -> Sweep:
    """Let a sweep start no further job; again changes nothing.

    :param cancel: cancel the jobs that wait or run, too
    :raises PermissionDenied: it is another's, and `user` may not cancel the jobs of others
    :raises WrongStateError: it has finished
    """
    permission = Permission.JOB_CANCEL if _belongs(sweep, user) else Permission.JOB_CANCEL_ANY
    access.require(user, permission, target=target(sweep))
    with transaction.atomic():
        row = _locked(sweep)
        if row.state == Sweep.State.FINISHED:
            raise WrongStateError(_("This sweep has finished already."))
        if row.state == Sweep.State.RUNNING:
            sweep_progress.end(row, Sweep.State.STOPPED, actor=access.actor(user))
    if cancel:
        _cancel_jobs(row, user)
    return row


def resume(sweep: Sweep, *, user: User) -> Sweep:
    """Go on with a sweep that was stopped; trials whose jobs were cancelled are begun again.

    :raises PermissionDenied: `user` may not start jobs, or it is another's and they may not touch the jobs of
        others
    :raises WrongStateError: it runs, or has finished
    """
    access.require(user, Permission.JOB_SUBMIT, target=target(sweep))
    if not _belongs(sweep, user):
        access.require(user, Permission.JOB_CANCEL_ANY, target=target(sweep))
    with transaction.atomic():
        row = _locked(sweep)
        if row.state != Sweep.State.STOPPED:
            raise WrongStateError(_("This sweep was not stopped."))
        row.state, row.ended_at, row.problem = Sweep.State.RUNNING, None, ""
        row.save(update_fields=["state", "ended_at", "problem"])
        for trial in row.trials.filter(outcome=Trial.Outcome.CANCELLED):
            trial.job, trial.outcome, trial.round = None, "", trial.round + 1
            trial.save(update_fields=["job", "outcome", "round"])
        trail.record(Event.SWEEP_RESUMED, actor=access.actor(user), target=target(row))
        sweep_progress.advance(row.pk)
    return Sweep.objects.get(pk=row.pk)


def _write(repository: Repository, plan: Plan, user: User, key: str | None) -> Sweep:
    asked = plan.asked
    sweep = Sweep.objects.create(
        name=asked.name.strip() or _("Sweep of %(name)s") % {"name": repository.name},
        repository=repository,
        commit=plan.target.commit,
        ref=plan.target.ref,
        ref_kind=plan.target.kind,
        method=asked.method,
        space={one.key: one.stored() for one in plan.dimensions},
        seed=plan.seed,
        objective=asked.objective.strip(),
        direction=asked.direction,
        count=plan.count,
        width=asked.width,
        priority=plan.priority,
        key=key,
        submitted_by=user,
        submitted_by_name=user.username,
        created_at=timezone.now(),
    )
    Trial.objects.bulk_create(
        Trial(sweep=sweep, number=number, params=point) for number, point in enumerate(plan.points, start=1)
    )
    data = {
        "repository": repository.name,
        "commit": plan.target.commit.sha,
        "method": sweep.method,
        "space": sweep.space,
        "seed": sweep.seed,
        "objective": sweep.objective,
        "direction": sweep.direction,
        "count": sweep.count,
        "width": sweep.width,
    }
    trail.record(Event.SWEEP_STARTED, actor=access.actor(user), target=target(sweep), data=data)
    return sweep


def _cancel_jobs(sweep: Sweep, user: User) -> None:
    for job in Job.objects.filter(trial__sweep=sweep, state__in=ACTIVE).order_by("-pk"):
        try:
            jobs.cancel(job, user=user)
        except WrongStateError:
            continue  # it has ended meanwhile


def _locked(sweep: Sweep) -> Sweep:
    return Sweep.objects.select_for_update(no_key=True).get(pk=sweep.pk)


def _belongs(sweep: Sweep, user: User) -> bool:
    return sweep.submitted_by_id is not None and sweep.submitted_by_id == user.pk
