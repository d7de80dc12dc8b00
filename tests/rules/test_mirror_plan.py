"""What has to change in MLflow, checked against a small MLflow that only remembers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from integrations.mlflow_records import ModelVersionRecord
from registry.mirror_plan import STAGE_TAG, Change, Kind, Wanted, missing, plan
from registry.stages import Stage

START = datetime(2026, 1, 1, tzinfo=UTC)
CHAMPION, CHALLENGER = "champion", "challenger"


def wanted(number: int, stage: Stage, hours: int = 0) -> Wanted:
    return Wanted(number, stage, START + timedelta(hours=hours))


def record(number: int, stage: str = "None", *aliases: str, tag: str = "") -> ModelVersionRecord:
    tags = {STAGE_TAG: tag} if tag else {}
    return ModelVersionRecord("m", number, stage, "READY", "", "", "", 0, 0, tags, aliases)


Store = dict[int, ModelVersionRecord]


def carry_out(change: Change, store: Store) -> Store:
    """Return what MLflow would say after one change; an alias has one holder."""
    one = store[change.number]
    after = dict(store)
    if change.kind is Kind.STAGE:
        after[one.version] = replace(one, stage=change.value)
    elif change.kind is Kind.TAG:
        after[one.version] = replace(one, tags={STAGE_TAG: change.value})
    else:
        for number, other in store.items():
            kept = tuple(alias for alias in other.aliases if alias != change.value)
            after[number] = replace(other, aliases=kept)
        if change.kind is Kind.ALIAS:
            after[one.version] = replace(one, aliases=(*after[one.version].aliases, change.value))
    return after


def test_nothing_changes_where_mlflow_agrees() -> None:
    ours = [wanted(1, Stage.ARCHIVED), wanted(2, Stage.PRODUCTION), wanted(3, Stage.STAGING)]
    there = [
        record(1, "Archived", tag="Archived"),
        record(2, "Production", CHAMPION, tag="Production"),
        record(3, "Staging", CHALLENGER, tag="Staging"),
        record(9, "Staging", "shadow"),
    ]
    assert plan(ours, there) == []


def test_a_new_champion_is_in_place_before_the_old_one_is_archived() -> None:
    ours = [wanted(1, Stage.ARCHIVED), wanted(2, Stage.PRODUCTION)]
    there = [
        record(1, "Production", CHAMPION, tag="Production"),
        record(2, "Staging", CHALLENGER, tag="Staging"),
    ]
    assert [(change.number, str(change)) for change in plan(ours, there)] == [
        (2, "stage Production"),
        (2, "alias champion"),
        (1, "stage Archived"),
        (2, "no alias challenger"),
        (1, "tag Archived"),
        (2, "tag Production"),
    ]


def test_the_version_that_came_to_staging_last_is_the_challenger() -> None:
    ours = [wanted(1, Stage.STAGING, hours=2), wanted(2, Stage.STAGING, hours=1)]
    there = [record(1, "Staging", tag="Staging"), record(2, "Staging", CHALLENGER, tag="Staging")]
    assert plan(ours, there) == [Change(Kind.ALIAS, 1, CHALLENGER)]


def test_versions_of_others_keep_what_none_of_ours_needs() -> None:
    there = [record(1, tag="Development"), record(2, "Production", CHAMPION)]
    assert plan([wanted(1, Stage.DEVELOPMENT)], there) == []
    changes = plan([wanted(1, Stage.PRODUCTION)], there)
    assert Change(Kind.ALIAS, 1, CHAMPION) in changes
    assert Change(Kind.STAGE, 2, "Archived") in changes


def test_a_version_that_mlflow_lost_is_named_and_left_out() -> None:
    ours = [wanted(1, Stage.STAGING), wanted(2, Stage.PRODUCTION)]
    there = [record(1, "Staging", CHALLENGER, tag="Staging")]
    assert plan(ours, there) == []
    assert missing(ours, there) == {2}


STAGES = st.sampled_from(list(Stage))
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["None", "Staging", "Production", "Archived"]),
        st.sampled_from(["", "Development", "Staging", "Production", "Archived"]),
    ),
    min_size=6,
    max_size=6,
)


@given(
    st.lists(st.tuples(STAGES, st.integers(0, 3)), max_size=5),
    RECORDS,
    st.dictionaries(st.sampled_from([CHAMPION, CHALLENGER]), st.integers(1, 6)),
)
def test_whatever_mlflow_says_the_changes_make_it_agree_and_never_take_the_champion_away(
    stages: list[tuple[Stage, int]], there: list[tuple[str, str]], aliases: dict[str, int]
) -> None:
    ours = [wanted(number, stage, hours) for number, (stage, hours) in enumerate(stages, 1)]
    champions = [one.number for one in ours if one.stage is Stage.PRODUCTION]
    ours = [one for one in ours if one.stage is not Stage.PRODUCTION or one.number == champions[0]]
    store: Store = {
        number: record(number, stage, *(a for a, holder in aliases.items() if holder == number), tag=tag)
        for number, (stage, tag) in enumerate(there, 1)
    }
    for change in plan(ours, list(store.values())):
        served = {number for number, one in store.items() if one.stage == "Production"}
        store = carry_out(change, store)
        if champions and served:
            assert any(one.stage == "Production" for one in store.values())
    assert plan(ours, list(store.values())) == []
    for one in ours:
        assert store[one.number].stage == one.stage.mlflow_name
        assert store[one.number].tags[STAGE_TAG] == one.stage
    if champions:
        assert [n for n, one in store.items() if CHAMPION in one.aliases] == champions[:1]
        assert [n for n, one in store.items() if one.stage == "Production"] == champions[:1]
