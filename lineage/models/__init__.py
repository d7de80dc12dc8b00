"""Tables of what the history of repositories says: commits, pipelines, data versions, registry tags; and
what came of rebuilding versions; and evidence to take along."""

from lineage.models.bundles import BundleChunk, EvidenceBundle
from lineage.models.data import DataVersion, FileListing
from lineage.models.gto import GtoEvent
from lineage.models.history import CommitInputs, HistoryCommit, HistoryState, PipelineSnapshot
from lineage.models.plots import CommitPlots, PlotFile
from lineage.models.reproductions import ModelTolerance, Reproduction
from lineage.models.stages import PipelineStage, SnapshotStage, StageFile
from lineage.models.updates import UpdatePlan

__all__ = [
    "BundleChunk",
    "CommitInputs",
    "CommitPlots",
    "DataVersion",
    "EvidenceBundle",
    "FileListing",
    "GtoEvent",
    "HistoryCommit",
    "HistoryState",
    "ModelTolerance",
    "PipelineSnapshot",
    "PipelineStage",
    "PlotFile",
    "Reproduction",
    "SnapshotStage",
    "StageFile",
    "UpdatePlan",
]
