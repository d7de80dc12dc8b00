"""What the Files tab shows: the hashed files, and what the inspection said of each. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.models import ModelVersion


@dataclass(frozen=True)
class FileFacts:
    """One file of a version.

    :ivar kind: what it is by its content; empty if nobody has looked
    :ivar suspicions: English sentences; empty if nothing was found
    """

    path: str
    size: int
    sha256: str
    kind: str
    suspicions: tuple[str, ...]
    imports: tuple[str, ...]
    num_params: int | None

    @property
    def is_clean(self) -> bool:
        """Whether it was looked through and nothing was found."""
        return bool(self.kind) and not self.suspicions


def files(version: ModelVersion) -> list[FileFacts]:
    """Return the files of `version`, those with suspicions first."""
    told: Mapping[str, Any] = {one["path"]: one for one in version.inspection.get("files", ())}
    found = [_file(file, told.get(file["path"], {})) for file in version.manifest]
    return sorted(found, key=lambda file: not file.suspicions)


def _file(file: Mapping[str, Any], told: Mapping[str, Any]) -> FileFacts:
    return FileFacts(
        file["path"],
        file["size"],
        file["sha256"],
        str(told.get("kind", "")),
        tuple(told.get("suspicions", ())),
        tuple(told.get("imports", ())),
        told.get("num_params"),
    )


def type_text(spec: Mapping[str, Any]) -> str:
    """Return one input or output as ``float32[?, 1, 28, 28]``; ``?`` stands for any size."""
    shape = spec.get("shape")
    if shape is None:
        return str(spec.get("dtype", ""))
    sizes = ", ".join("?" if side is None else str(side) for side in shape)
    return f"{spec.get('dtype', '')}[{sizes}]"


def signature(version: ModelVersion) -> dict[str, list[tuple[str, str]]]:
    """Return inputs and outputs of `version`, each as name and type; empty if nobody knows them."""
    told = version.inspection.get("signature") or {}
    sides = {side: told.get(side) or [] for side in ("inputs", "outputs")}
    return {
        side: [(str(one.get("name", "")), type_text(one)) for one in specs] for side, specs in sides.items()
    }


def parameters(version: ModelVersion) -> str:
    """Return the count of parameters for people, ``1,234,567``; empty if no file tells it."""
    count = version.inspection.get("num_params")
    return f"{count:,}" if isinstance(count, int) else ""
