"""The table of runs as Parquet: typed columns, all pages, through a temporary file of bounded memory.

pyarrow is imported by the function, so that a process that exports nothing does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from experiments.models import Run
from experiments.run_columns import Column, number_of
from experiments.selectors import run_order
from experiments.selectors.run_matches import Matches

if TYPE_CHECKING:
    import pyarrow as pa

#: Runs in a row group: what is held at a time.
CHUNK = 2_000
_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 64 * 1024


def blocks(found: Matches, columns: Sequence[Column], sort: str) -> Iterator[bytes]:
    """Yield the file in blocks; it is written first, because its directory stands at its end.

    Times are UTC in milliseconds. A metric is a double, NaN and infinity included, null where a run has none;
    parameters and tags are texts.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        _write(file, found, columns, sort)
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block


def _write(file: IO[bytes], found: Matches, columns: Sequence[Column], sort: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(columns)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        place = ""
        while True:
            page = run_order.page(found, sort, CHUNK, after=place, wide=True)
            if page.runs:
                rows = [_row(run, columns) for run in page.runs]
                arrays = [
                    pa.array(values, field.type)
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            place = page.after
            if not place:
                return


def _schema(columns: Sequence[Column]) -> pa.Schema:
    import pyarrow as pa

    moment, text = pa.timestamp("ms", tz="UTC"), pa.string()
    fixed = [
        *((name, text) for name in ("run_id", "name", "experiment", "status")),
        ("started", moment),
        ("ended", moment),
        ("duration_seconds", pa.float64()),
        ("user", text),
    ]
    return pa.schema([*fixed, *((one.name, pa.float64() if one.is_metric else text) for one in columns)])


def _row(run: Run, columns: Sequence[Column]) -> list[Any]:
    return [
        run.run_id,
        run.name,
        run.experiment.name,
        run.status,
        run.started_at,
        run.ended_at,
        None if run.duration is None else run.duration / 1000,
        run.user,
        *(_cell(run, column) for column in columns),
    ]


def _cell(run: Run, column: Column) -> str | float | None:
    if column.is_metric:
        number = number_of(run.metrics.get(column.key))
        return None if number is None else float(number)
    value = (run.params if column.kind == "params" else run.tags).get(column.key)
    return None if value is None else str(value)
