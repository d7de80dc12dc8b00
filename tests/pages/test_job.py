"""The page of one job, its log, cancel and retry."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from experiments.job_logs import MAX_LINES
from tests.jobs import make_commit, make_job, make_repository, write_log
from tests.people import make_user
from tests.versions import make_run

pytestmark = pytest.mark.django_db

NASTY = "<img src=x onerror=alert(1)>"
POLL = {"HX-Request": "true"}


@pytest.fixture
def someone(client: Client) -> User:
    user = make_user(Role.ENGINEER, username="someone")
    client.force_login(user)
    return user


def html_of(client: Client, address: str, **headers: str) -> str:
    return client.get(address, headers=headers or None).content.decode()


def test_a_running_job_shows_steps_progress_changes_and_log(client: Client, someone: User) -> None:
    repository = make_repository()
    commit = make_commit(repository, branch="main")
    steps = [
        {"name": "preprocess", "state": "done", "seconds": 3.2},
        {"name": "train", "state": "running", "seconds": None},
    ]
    payload = {"ref": "main", "ref_kind": "branch", "sha": commit.sha, "overrides": {"train.epochs": 2}}
    job = make_job(
        "running", user=someone, repository=repository, payload=payload, steps=steps, message="Epoch 1"
    )
    write_log(job, ["Running stage 'train':", "epoch 1"])
    html = html_of(client, f"/jobs/{job.pk}/")
    for text in ("receipt-ocr @ main", "attempt 1 of 2", "3.2 s", "Epoch 1", "epoch 1", 'id="L2"'):
        assert text in html
    assert 'data-level="stage"' in html
    change = client.get(f"/jobs/{job.pk}/").context["detail"].changes[0]
    assert (change.key, change.before, change.after) == ("train.epochs", "8", "2")


def test_a_failed_job_shows_why_with_its_last_lines_and_the_first_error(
    client: Client, someone: User
) -> None:
    job = make_job("failed", user=someone, error="Stage train ended with status 1.")
    write_log(job, [f"line {number}" for number in range(1, 700)])
    write_log(job, ["ValueError: not finite", "the end"])
    html = html_of(client, f"/jobs/{job.pk}/")
    assert "Stage train ended with status 1." in html
    assert "Jump to the first error, line 700" in html
    assert 'href="#L700"' in html
    assert html.count("the end") == 2


def test_a_first_error_that_is_far_back_is_linked_with_its_part_of_the_log(
    client: Client, someone: User
) -> None:
    job = make_job("failed", user=someone, error="Stage train ended with status 1.")
    write_log(job, ["line"] * 99 + ["fatal: no such thing"] + ["line"] * 900)
    html = html_of(client, f"/jobs/{job.pk}/")
    assert 'href="?from=80#L100"' in html
    assert 'id="L100"' not in html
    assert 'id="L100" data-line data-level="error"' in html_of(client, f"/jobs/{job.pk}/?from=80")


def test_errors_of_an_earlier_attempt_are_not_the_first_error(client: Client, someone: User) -> None:
    job = make_job("failed", user=someone, error="no")
    write_log(job, ["ERROR: the first attempt"])
    job.attempt = 2
    job.save()
    write_log(job, ["fine", "ERROR: the second attempt"])
    assert client.get(f"/jobs/{job.pk}/").context["detail"].first_error == 3


def test_of_a_very_long_log_only_the_end_is_loaded(client: Client, someone: User) -> None:
    job = make_job("succeeded", user=someone)
    write_log(job, [f"line {number}" for number in range(1, MAX_LINES + 1)])
    page = client.get(f"/jobs/{job.pk}/")
    html = page.content.decode()
    assert len(page.content) < 250_000
    assert 'id="L99501"' in html
    assert 'id="L99500"' not in html
    assert "99500 earlier lines" in html
    assert page.context["log"].earlier == 98501
    window = client.get(f"/jobs/{job.pk}/?from=98501").context["log"]
    assert (window.first, window.last, window.later) == (98501, 99500, 99501)


def test_windows_join_without_a_gap_up_to_the_first_line(client: Client, someone: User) -> None:
    job = make_job("succeeded", user=someone)
    write_log(job, [f"line {number}" for number in range(1, 1801)])
    seen: list[int] = []
    query = ""
    while True:
        log = client.get(f"/jobs/{job.pk}/{query}").context["log"]
        seen += [line.number for line in log.lines]
        if not log.earlier:
            break
        query = f"?from={log.earlier}"
    assert set(seen) == set(range(1, 1801))


@pytest.mark.parametrize("start", ["0", "-5", "x", "99999999999999999999", "1.5", "٣"])
def test_an_odd_beginning_of_a_window_is_no_error(client: Client, someone: User, start: str) -> None:
    job = make_job("succeeded", user=someone)
    write_log(job, ["one", "two"])
    page = client.get(f"/jobs/{job.pk}/", {"from": start})
    assert page.status_code == 200
    assert page.context["log"].lines


def test_new_lines_come_with_the_next_poll_until_the_job_has_ended(client: Client, someone: User) -> None:
    job = make_job("running", user=someone)
    write_log(job, ["one", "two", "three"])
    html = html_of(client, f"/jobs/{job.pk}/log/?after=1")
    assert 'id="L1"' not in html
    assert 'id="L2"' in html
    assert f"/jobs/{job.pk}/log/?after=3" in html
    job.state = "succeeded"
    job.save()
    ended = html_of(client, f"/jobs/{job.pk}/log/?after=1")
    assert 'id="L3"' in ended
    assert "hx-get" not in ended


def test_a_poll_that_fell_far_behind_jumps_to_the_end_and_says_so(client: Client, someone: User) -> None:
    job = make_job("running", user=someone)
    write_log(job, [f"line {number}" for number in range(1, 3001)])
    html = html_of(client, f"/jobs/{job.pk}/log/?after=500")
    assert "1500 lines came too fast" in html
    assert f"/jobs/{job.pk}/?from=501" in html
    assert 'id="L2001"' in html
    assert "?after=3000" in html


def test_the_whole_log_can_be_had_as_text(client: Client, someone: User) -> None:
    job = make_job("succeeded", user=someone)
    write_log(job, ["<b>one</b>", "둘", "three"] * 200, batch=7)
    answer = client.get(f"/jobs/{job.pk}/log.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert b"".join(answer.streaming_content).decode() == "<b>one</b>\n둘\nthree\n" * 200


def test_an_ended_job_does_not_poll_but_one_whose_follow_up_runs_does(client: Client, someone: User) -> None:
    job = make_job("succeeded", user=someone)
    assert "hx-get" not in html_of(client, f"/jobs/{job.pk}/")
    make_job("running", kind="log_run", parent=job)
    assert "hx-get" in html_of(client, f"/jobs/{job.pk}/")


def test_a_poll_brings_only_what_changed(client: Client, someone: User) -> None:
    job = make_job("queued", user=someone)
    live = client.get(f"/jobs/{job.pk}/").context["live"]
    address = live.poll.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    job.message = "something new"
    job.state = "running"
    job.started_at = timezone.now()
    job.save()
    html = html_of(client, address, **POLL)
    assert "something new" in html
    assert 'id="job-head" hx-swap-oob="true"' in html
    job.state = "succeeded"
    job.finished_at = timezone.now()
    job.save()
    assert "live-poll" not in html_of(client, address, **POLL)


def test_the_run_of_a_pipeline_is_linked_once_a_follow_up_has_logged_it(
    client: Client, someone: User
) -> None:
    run = make_run()
    job = make_job("succeeded", user=someone)
    assert run.get_absolute_url() not in html_of(client, f"/jobs/{job.pk}/")
    logged = make_job("succeeded", kind="log_run", parent=job, result={"run_id": run.run_id})
    html = html_of(client, f"/jobs/{job.pk}/")
    assert run.get_absolute_url() in html
    assert f'href="/jobs/{logged.pk}/"' in html


def test_a_result_comes_with_the_commands_that_rebuild_it(client: Client, someone: User) -> None:
    result = {"sha": "ab" * 20, "metrics": {"val_cer": 0.005}}
    job = make_job("succeeded", user=someone, repository=make_repository(), result=result)
    html = html_of(client, f"/jobs/{job.pk}/")
    assert f"git checkout {'ab' * 20} &amp;&amp; dvc pull &amp;&amp; dvc repro" in html
    assert "on the server" in html
    assert "val_cer" in html


def test_a_waiting_job_is_cancelled(client: Client, someone: User) -> None:
    job = make_job("queued", user=someone)
    assert client.post(f"/jobs/{job.pk}/cancel/").url == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert "Job #" in html_of(client, f"/jobs/{job.pk}/")


def test_a_running_job_is_told_and_the_page_says_who_did(client: Client, someone: User) -> None:
    job = make_job("running", user=someone)
    client.post(f"/jobs/{job.pk}/cancel/")
    html = html_of(client, f"/jobs/{job.pk}/")
    assert "someone cancels it" in html
    assert "job-cancel" not in html


def test_cancelling_asks_first_where_there_are_no_scripts(client: Client, someone: User) -> None:
    job = make_job("queued", user=someone)
    assert "Cancel the job" in html_of(client, f"/jobs/{job.pk}/cancel/")
    job.refresh_from_db()
    assert job.state == "queued"


def test_cancelling_what_has_ended_says_so(client: Client, someone: User) -> None:
    job = make_job("succeeded", user=someone)
    answer = client.post(f"/jobs/{job.pk}/cancel/")
    assert answer.status_code == 409
    assert "has finished already" in answer.content.decode()


def test_the_job_of_another_person_cannot_be_cancelled_and_the_page_says_why(
    client: Client, someone: User
) -> None:
    job = make_job("running", user=make_user(Role.ENGINEER, username="colleague"))
    assert "Only colleague or an administrator may cancel it." in html_of(client, f"/jobs/{job.pk}/")
    assert client.post(f"/jobs/{job.pk}/cancel/").status_code == 403
    client.force_login(make_user(Role.ADMINISTRATOR))
    assert client.post(f"/jobs/{job.pk}/cancel/").status_code == 302


def test_the_job_of_another_person_cannot_be_retried_and_the_page_says_why(
    client: Client, someone: User
) -> None:
    job = make_job("failed", user=make_user(Role.ENGINEER, username="colleague"))
    assert "Only colleague or an administrator may retry it." in html_of(client, f"/jobs/{job.pk}/")
    assert client.post(f"/jobs/{job.pk}/retry/").status_code == 403


def test_a_viewer_reads_which_roles_may(client: Client) -> None:
    client.force_login(make_user(Role.VIEWER))
    failed = make_job("failed")
    assert "Only these roles may start jobs: engineer, administrator." in html_of(
        client, f"/jobs/{failed.pk}/"
    )
    assert client.post(f"/jobs/{failed.pk}/retry/").status_code == 403


def test_a_failed_job_is_retried(client: Client, someone: User) -> None:
    job = make_job("failed", user=someone, error="no")
    assert client.post(f"/jobs/{job.pk}/retry/").url == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == "queued"


def test_retrying_what_succeeded_says_that_it_cannot_be(client: Client, someone: User) -> None:
    job = make_job("succeeded", user=someone)
    answer = client.post(f"/jobs/{job.pk}/retry/")
    assert answer.status_code == 409
    assert "not one that can be retried" in answer.content.decode()


def test_a_job_that_tries_again_shows_what_went_wrong(client: Client, someone: User) -> None:
    later = timezone.now() + timedelta(seconds=30)
    job = make_job("queued", user=someone, attempt=1, error="MLflow does not answer.", not_before=later)
    html = html_of(client, f"/jobs/{job.pk}/")
    assert "Attempt 1 did not succeed" in html
    assert "MLflow does not answer." in html
    assert "starts again in" in html


def test_a_link_changes_nothing(client: Client, someone: User) -> None:
    job = make_job("failed", user=someone)
    assert client.get(f"/jobs/{job.pk}/retry/").status_code == 405


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999999"])
@pytest.mark.parametrize("rest", ["", "log/", "log.txt", "cancel/"])
def test_a_job_that_does_not_exist_is_not_found(
    client: Client, someone: User, number: str, rest: str
) -> None:
    assert client.get(f"/jobs/{number}/{rest}").status_code == 404


def test_the_number_of_queries_does_not_grow_with_log_and_follow_ups(client: Client, someone: User) -> None:
    def queries(pk: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/jobs/{pk}/")
        return len(captured)

    repository = make_repository()
    few, many = (make_job("failed", user=someone, repository=repository, error="no") for _ in range(2))
    for job, lines, children in ((few, 10, 1), (many, 5000, 6)):
        write_log(job, ["ERROR: no"] * lines)
        for _ in range(children):
            make_job("running", kind="log_run", parent=job, repository=repository)
    assert queries(many.pk) == queries(few.pk)


def test_what_a_program_wrote_is_text(client: Client, someone: User) -> None:
    payload = {"ref": NASTY, "overrides": {NASTY: NASTY}, "note": NASTY}
    steps = [{"name": NASTY, "state": "failed", "seconds": 1}]
    job = make_job(
        "failed", user=someone, payload=payload, steps=steps, error=NASTY, worker=NASTY, result={NASTY: NASTY}
    )
    write_log(job, [NASTY, f"ERROR: {NASTY}"])
    assert NASTY not in html_of(client, f"/jobs/{job.pk}/")
    assert NASTY not in html_of(client, f"/jobs/{job.pk}/log/?after=0")


@pytest.mark.parametrize("address", ["", "log/", "log.txt", "cancel/"])
def test_without_a_role_nothing_is_shown(client: Client, address: str) -> None:
    client.force_login(make_user())
    assert client.get(f"/jobs/{make_job().pk}/{address}").status_code == 403
