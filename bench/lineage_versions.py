"""The versions of the lineage benchmark, with what was decided about them and where they served, as rows."""

from __future__ import annotations

from typing import Any

from bench.lineage_rows import MODELS, RUNS, START, VERSIONS, at, hashed, made, model_name

_PLACES = [(number % MODELS, number // MODELS) for number in range(VERSIONS)]
_LAST = VERSIONS // MODELS - 1
_LEFT_PRODUCTION = 500
_MOVES = (
    ("Development", "Staging", 2),
    ("Staging", "Production", 3),
    ("Production", "Archived", _LEFT_PRODUCTION),
)


def write() -> None:
    """Write them: every second run became a version and went to Production; half of them served."""
    versions = _versions()
    promotions = _promotions(versions)
    _events(versions)
    _deployments(versions[::2], promotions[::2])


def _began(number: int) -> int:
    """Return the minute in which the run of version `number` began."""
    return 2 * number


def _versions() -> list[Any]:
    from registry.models import ModelVersion, RegisteredModel

    models = made(
        RegisteredModel,
        (
            RegisteredModel(name=model_name(number), created_at=START, created_by="engineer")
            for number in range(MODELS)
        ),
    )
    rows = made(
        ModelVersion,
        (
            _version(models[model], f"1.{minor}.0", _began(number), is_last=minor == _LAST)
            for number, (model, minor) in enumerate(_PLACES)
        ),
    )
    made(ModelVersion, [_version(models[0], "2.0.0", RUNS, is_last=False)])
    return rows


def _version(model: Any, name: str, run: int, *, is_last: bool) -> Any:
    from registry.models import ModelVersion
    from registry.semver import MLModelVersion

    key = MLModelVersion(name).sort_key
    return ModelVersion(
        model=model,
        version=name,
        major=key.major,
        minor=key.minor,
        patch=key.patch,
        pre_key=key.pre_key.encode("ascii"),
        stage="Production" if is_last else "Archived",
        stage_since=at(run + (3 if is_last else _LEFT_PRODUCTION)),
        key=f"lineage:{model.name}:{name}",
        run_id=hashed("run", run),
        source="runs:/0/model",
        metadata={"val_cer": 0.01},
        created_at=at(run + 1),
        created_by="engineer",
    )


def _promotions(versions: list[Any]) -> list[Any]:
    from registry.models import Promotion, Review

    rows = made(
        Promotion,
        (
            Promotion(
                version=version,
                from_stage="Staging",
                to_stage="Production",
                state=Promotion.State.APPLIED,
                requested_by_name="engineer",
                opened_at=at(_began(number) + 2),
                decided_at=at(_began(number) + 3),
                applied_at=at(_began(number) + 3),
                evidence_digest="e" * 64,
            )
            for number, version in enumerate(versions)
        ),
    )
    made(
        Review,
        (
            Review(
                promotion=row,
                reviewer_name="reviewer",
                verdict=Review.Verdict.APPROVE,
                evidence_digest=row.evidence_digest,
                at=row.decided_at,
            )
            for row in rows
        ),
    )
    return rows


def _events(versions: list[Any]) -> None:
    from registry.models import StageEvent

    made(
        StageEvent,
        (
            StageEvent(
                version=version,
                from_stage=source,
                to_stage=target,
                at=at(_began(number) + later),
                by_name="reviewer",
            )
            for number, version in enumerate(versions)
            for source, target, later in _MOVES
            if later < _LEFT_PRODUCTION or version.stage == "Archived"
        ),
    )


def _deployments(versions: list[Any], promotions: list[Any]) -> None:
    from registry.models import Deployment

    made(
        Deployment,
        (
            Deployment(
                version=version,
                environment="production",
                at=promotion.decided_at,
                recorded_at=promotion.decided_at,
                recorded_by_name="engineer",
            )
            for version, promotion in zip(versions, promotions, strict=True)
        ),
    )
