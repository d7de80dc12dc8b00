"""Stages of a model version and the moves between them, as data. No database, no Django.

    Development --promotion--> Staging --promotion--> Production --replacement--> Archived
                                                           ^                          |
                                                           +--------- rollback -------+

Besides, a person may retire a version from any stage; it is then Archived. In an emergency an administrator
brings a version to Staging or Production past the review, and what is found in MLflow keeps its stage.
"""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a version is in its life. The value is what is stored, shown and sent."""

    DEVELOPMENT = "Development"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"

    @property
    def label(self) -> str:
        """The word that a person reads (English)."""
        return self.value

    @property
    def look(self) -> "Look":
        """Colour and icon that go with the word."""
        return LOOKS[self]

    @property
    def metadata_name(self) -> str:
        """The word that `ModelMetadata.stage` uses."""
        return self.value.lower()

    @property
    def mlflow_name(self) -> str:
        """The stage that mirrors this one in MLflow, which calls a version without a stage ``None``."""
        return "None" if self is Stage.DEVELOPMENT else self.value

    @classmethod
    def parse(cls, text: str) -> "Stage":
        """Return the stage called `text`, in any mixture of cases.

        :raises ValueError: there is no such stage
        """
        for stage in cls:
            if stage.value.lower() == text.strip().lower():
                return stage
        raise ValueError(f"There is no stage {text!r}; the stages are {', '.join(cls)}.")


class Move(StrEnum):
    """Why a version changes its stage."""

    PROMOTION = "promotion"
    """An approved request."""
    REPLACEMENT = "replacement"
    """The incumbent makes room for the version that goes to Production in the same transaction."""
    ROLLBACK = "rollback"
    """A version that was approved before serves again."""
    BYPASS = "bypass"
    """An administrator acts in an emergency, without a review."""
    IMPORT = "import"
    """The version was in that stage of MLflow already when it was found there."""
    FINALISATION = "finalisation"
    """The final version takes the place of its release candidate: the same artifacts, approved there."""
    RETIREMENT = "retirement"
    """A person takes the version out of use."""


@dataclass(frozen=True)
class Look:
    """How a stage is shown beside its word: a colour token of the stylesheet and a heroicon."""

    colour: str
    icon: str


LOOKS: dict[Stage, Look] = {
    Stage.DEVELOPMENT: Look("blue", "beaker"),
    Stage.STAGING: Look("amber", "clipboard-document-check"),
    Stage.PRODUCTION: Look("green", "rocket-launch"),
    Stage.ARCHIVED: Look("grey", "archive-box"),
}

#: The one table of moves; what is not in it is refused.
TRANSITIONS: frozenset[tuple[Stage, Stage, Move]] = frozenset(
    {
        (Stage.DEVELOPMENT, Stage.STAGING, Move.PROMOTION),
        (Stage.STAGING, Stage.PRODUCTION, Move.PROMOTION),
        (Stage.PRODUCTION, Stage.ARCHIVED, Move.REPLACEMENT),
        (Stage.ARCHIVED, Stage.PRODUCTION, Move.ROLLBACK),
        (Stage.DEVELOPMENT, Stage.STAGING, Move.BYPASS),
        (Stage.DEVELOPMENT, Stage.PRODUCTION, Move.BYPASS),
        (Stage.STAGING, Stage.PRODUCTION, Move.BYPASS),
        (Stage.ARCHIVED, Stage.PRODUCTION, Move.BYPASS),
        (Stage.DEVELOPMENT, Stage.STAGING, Move.IMPORT),
        (Stage.DEVELOPMENT, Stage.PRODUCTION, Move.IMPORT),
        (Stage.DEVELOPMENT, Stage.ARCHIVED, Move.IMPORT),
        (Stage.DEVELOPMENT, Stage.STAGING, Move.FINALISATION),
        (Stage.DEVELOPMENT, Stage.ARCHIVED, Move.RETIREMENT),
        (Stage.STAGING, Stage.ARCHIVED, Move.RETIREMENT),
        (Stage.PRODUCTION, Stage.ARCHIVED, Move.RETIREMENT),
    }
)


def allowed(source: Stage | str, target: Stage | str, how: Move | str) -> bool:
    """Return whether a version may go from `source` to `target` by `how`.

    :raises ValueError: one of them is not the value of a `Stage` or `Move`
    """
    return (Stage(source), Stage(target), Move(how)) in TRANSITIONS


def targets(source: Stage | str, how: Move | str) -> tuple[Stage, ...]:
    """Return the stages that a version in `source` may reach by `how`, in the order of life.

    :raises ValueError: one of them is not the value of a `Stage` or `Move`
    """
    return tuple(stage for stage in Stage if allowed(source, stage, how))
