"""The brake on guessing passwords."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts import brake
from accounts.models import SignInBrake

NOTHING = timedelta()


@pytest.fixture(autouse=True)
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock: on a busy machine the first waits of two seconds would pass by themselves."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)


def guess(times: int, name: str = "clerk", address: str = "192.0.2.1") -> timedelta:
    return [brake.attempt(name, address) for _ in range(times)][-1]


def let_pass(time: timedelta) -> None:
    SignInBrake.objects.update(blocked_until=F("blocked_until") - time, last_at=F("last_at") - time)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 0), (4, 0), (5, 2), (6, 4), (7, 8), (13, 512), (14, 900), (10**6, 900)]
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: int) -> None:
    assert brake.wait_after(attempts) == timedelta(seconds=seconds)


@pytest.mark.django_db
def test_the_first_five_attempts_are_free_and_the_sixth_waits() -> None:
    assert guess(5) == NOTHING
    assert NOTHING < guess(1) <= timedelta(seconds=2)


@pytest.mark.django_db
def test_an_attempt_that_has_to_wait_does_not_prolong_the_wait() -> None:
    guess(20)
    assert SignInBrake.objects.get().attempts == 5


@pytest.mark.django_db
def test_after_the_wait_another_attempt_is_possible() -> None:
    guess(5)
    let_pass(timedelta(seconds=3))
    assert guess(1) == NOTHING
    assert guess(1) > timedelta(seconds=2)


@pytest.mark.django_db
def test_nobody_is_locked_out_for_ever() -> None:
    for _ in range(40):
        guess(1)
        let_pass(brake.LONGEST_WAIT)
    assert guess(1) == NOTHING


@pytest.mark.django_db
def test_an_hour_of_silence_forgets_everything() -> None:
    guess(5)
    guess(5, name="other")
    let_pass(brake.FORGOTTEN_AFTER + timedelta(seconds=1))
    assert guess(5) == NOTHING
    assert SignInBrake.objects.count() == 1


@pytest.mark.django_db
def test_another_person_and_another_address_do_not_wait() -> None:
    guess(6)
    assert guess(1, name="other") == NOTHING
    assert guess(1, address="192.0.2.2") == NOTHING


@pytest.mark.django_db
def test_the_case_of_the_name_does_not_get_around_it() -> None:
    guess(5)
    assert guess(1, name="CLERK") > NOTHING


@pytest.mark.django_db
def test_signing_in_forgets_the_attempts() -> None:
    guess(5)
    brake.release("clerk", "192.0.2.1")
    assert guess(5) == NOTHING


@pytest.mark.django_db
def test_what_was_typed_is_not_kept() -> None:
    guess(1, name="a secret typed into the wrong field")
    assert "secret" not in str(SignInBrake.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_attempts_at_the_same_time_are_not_all_the_first() -> None:
    def attempt(_number: int) -> timedelta:
        try:
            return brake.attempt("clerk", "192.0.2.1")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(attempt, range(24)))
    assert waits.count(NOTHING) == brake.FREE_ATTEMPTS
