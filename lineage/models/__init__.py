"""Tables of what the history of repositories says: commits, pipelines, data versions, registry tags."""

from lineage.models.data import DataVersion, FileListing
from lineage.models.gto import GtoEvent
from lineage.models.history import CommitInputs, HistoryCommit, HistoryState, PipelineSnapshot
from lineage.models.stages import PipelineStage, SnapshotStage, StageFile
from lineage.models.updates import UpdatePlan

__all__ = [
    "CommitInputs",
    "DataVersion",
    "FileListing",
    "GtoEvent",
    "HistoryCommit",
    "HistoryState",
    "PipelineSnapshot",
    "PipelineStage",
    "SnapshotStage",
    "StageFile",
    "UpdatePlan",
]
