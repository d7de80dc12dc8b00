"""The states of a job, and who may change them."""

from importlib.resources import files
from itertools import product
from zipfile import ZipFile

import pytest

from experiments.job_states import ACTIVE, LOOKS, TERMINAL, Actor, JobState, can, sources
from registry.stages import LOOKS as STAGE_LOOKS


def test_a_job_runs_from_the_queue_to_its_end() -> None:
    assert can("queued", "running", "worker")
    assert can("running", "succeeded", "worker")
    assert can("running", "failed", "worker")


def test_a_person_retries_what_failed_was_cancelled_or_got_lost() -> None:
    assert sources(JobState.QUEUED, Actor.PERSON) == (JobState.FAILED, JobState.CANCELLED, JobState.LOST)


def test_the_reaper_queues_lost_jobs_again_and_nothing_else() -> None:
    assert sources(JobState.LOST, Actor.REAPER) == (JobState.RUNNING,)
    assert sources(JobState.QUEUED, Actor.REAPER) == (JobState.LOST,)


def test_a_running_job_fails_by_its_worker_and_a_lost_one_by_the_reaper() -> None:
    assert sources(JobState.FAILED, Actor.WORKER) == (JobState.RUNNING,)
    assert sources(JobState.FAILED, Actor.REAPER) == (JobState.LOST,)
    assert sources(JobState.FAILED, Actor.PERSON) == ()


def test_a_worker_gives_a_job_back_to_the_queue() -> None:
    assert sources(JobState.QUEUED, Actor.WORKER) == (JobState.RUNNING,)


def test_a_person_cannot_cancel_a_running_job_past_its_worker() -> None:
    assert not can("running", "cancelled", "person")
    assert can("running", "cancelled", "worker")
    assert sources("cancelled", "person") == (JobState.QUEUED,)


def test_only_the_reaper_cancels_a_lost_job() -> None:
    assert sources(JobState.CANCELLED, Actor.REAPER) == (JobState.LOST,)


def test_nothing_follows_success() -> None:
    assert not any(can(JobState.SUCCEEDED, state) for state in JobState)


def test_only_a_person_brings_a_finished_job_back() -> None:
    for state, target, actor in product(TERMINAL, JobState, (Actor.WORKER, Actor.REAPER)):
        assert not can(state, target, actor)


def test_every_active_state_can_reach_an_end_and_no_state_follows_itself() -> None:
    reached = set(TERMINAL)
    for _ in JobState:
        reached |= {
            state for state in JobState for target in reached if can(state, target) and state in ACTIVE
        }

    assert reached == set(JobState)
    assert not any(can(state, state) for state in JobState)


def test_active_and_terminal_states_are_all_states() -> None:
    assert set(ACTIVE) == {"queued", "running", "lost"}
    assert {state for state in JobState if state.is_terminal} == set(JobState) - set(ACTIVE) == set(TERMINAL)


@pytest.mark.parametrize(
    "words", [("done", "queued", None), ("lost", "Queued", None), ("lost", "queued", "cron")]
)
def test_unknown_words_are_an_error_and_not_a_refusal(words: tuple[str, str, str | None]) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        can(*words)


def test_every_state_has_its_own_word_colour_and_icon_and_no_stage_colour() -> None:
    with ZipFile(str(files("heroicons") / "heroicons.zip")) as icons:
        names = set(icons.namelist())

    assert set(LOOKS) == set(JobState)
    for looks in zip(*((look.label, look.colour, look.icon) for look in LOOKS.values()), strict=True):
        assert len(set(looks)) == len(JobState)
    assert {f"outline/{state.look.icon}.svg" for state in JobState} <= names
    assert not {look.colour for look in LOOKS.values()} & {look.colour for look in STAGE_LOOKS.values()}
