"""A job that works on a restricted model is there only for those who see the model."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from experiments import job_visibility
from experiments.models import Job
from registry.models import Member
from tests.jobs import make_job
from tests.people import make_user
from tests.versions import make_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs():
    """One job on an open model, one on a restricted one, and some that name none."""
    make_model("open")
    closed = make_model("closed")
    closed.restricted = True
    closed.save()
    payloads = {"open": {"model": "open"}, "closed": {"model": "closed"}, "none": {}, "null": {"model": None}}
    return {name: make_job(kind="register", payload=payload) for name, payload in payloads.items()}


def seen(user, jobs):
    rows = set(Job.objects.filter(job_visibility.visible_q(user)).values_list("pk", flat=True))
    single = {job.pk for job in jobs.values() if job_visibility.sees(user, job)}
    assert rows == single
    return {name for name, job in jobs.items() if job.pk in rows}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.REVIEWER])
def test_those_without_a_part_see_all_but_the_restricted_one(jobs, role):
    assert seen(make_user(role), jobs) == {"open", "none", "null"}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_auditors_and_administrators_see_every_job(jobs, role):
    assert seen(make_user(role), jobs) == set(jobs)


def test_a_member_sees_the_jobs_of_their_model(jobs):
    user = make_user(Role.VIEWER)
    Member.objects.create(model=make_model("closed"), user=user, part="reviewer")
    assert seen(user, jobs) == set(jobs)


def test_a_list_costs_two_queries_more(jobs):
    user = make_user(Role.VIEWER)
    with CaptureQueriesContext(connection) as queries:
        list(Job.objects.filter(job_visibility.visible_q(user)))
    assert len(queries) == 3
