"""Which of a commit's plots are drawn, how, and what is said of the rest."""

from __future__ import annotations

import json
import math

import pytest
from plotly import graph_objects

from experiments.sentences import is_known
from integrations.dvc_files import read_pipeline
from lineage import plot_figures, plot_records, plot_tables
from lineage.plot_drawing import Drawn, File, Look, Note, Picture, draw
from lineage.plot_records import FileState, PlotRecord, SeriesRecord

NASTY = "<script>alert(1)</script>"
HISTORY = "epoch,loss,note\n2,0.5,b\n1,1e-1,a\n3,nan,c\n"


def kept(text: str, oid: str = "") -> File:
    return File(FileState.KEPT, oid or str(hash(text)), text)


def plot(text: str = HISTORY, path: str = "a.csv", before: str | None = None, **told: str) -> Drawn:
    """Draw one file, given as text, and what it was in the base."""
    x, y = told.pop("x", ""), told.pop("y", "")
    record = PlotRecord(name=path, series=(SeriesRecord(path, x, y),), **told)
    return draw(record, {path: kept(text)}, {path: kept(before)} if before is not None else None)


def messages(drawn: Drawn) -> list[str]:
    return [note.message for note in drawn.notes]


def numbers(values: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]


def test_a_line_has_the_columns_that_are_named_from_left_to_right() -> None:
    drawn = plot(x="epoch", y="loss")
    (line,) = drawn.lines
    assert (drawn.look, drawn.x_title, line.name) == (Look.LINES, "epoch", "loss")
    assert (line.points.x, numbers(line.points.y)) == ([1, 2, 3], [0.1, 0.5, None])
    assert drawn.notes == ()


def test_without_names_every_column_of_numbers_is_drawn_by_row() -> None:
    drawn = plot("a,word,b,none\n1,x,3,\n2,y,4,\n")
    assert [(line.name, line.x_name, line.points.x) for line in drawn.lines] == [
        ("a", "", [0, 1]),
        ("b", "", [0, 1]),
    ]
    assert [line.name for line in plot(x="epoch").lines] == ["loss"]


def test_points_of_a_scatter_plot_keep_their_order_and_are_not_joined() -> None:
    drawn = plot(x="epoch", y="loss", template="scatter")
    assert (drawn.look, drawn.lines[0].points.x) == (Look.POINTS, [2, 1, 3])
    assert {trace["mode"] for trace in json.loads(plot_figures.figure(drawn))["data"]} == {"markers"}


def test_json_is_a_list_of_objects_or_has_one_below_a_key() -> None:
    rows = [{"step": 1, "auc": 0.5}, {"step": 2, "auc": None, "more": [1]}, 7]
    for text in (json.dumps(rows), json.dumps({"kind": "roc", "train": rows})):
        (line,) = plot(text, "a.json", x="step", y="auc").lines
        assert (line.points.x, numbers(line.points.y)) == ([1, 2], [0.5, None])


@pytest.mark.parametrize(
    ("text", "path", "told", "message"),
    [
        ("", "a.csv", {}, "There are no rows."),
        ("a,b\n", "a.csv", {}, "There are no rows."),
        (",\n1,2\n", "a.csv", {}, "There are no rows."),
        ("a,b\nx,y\n", "a.csv", {}, "It has no column of numbers."),
        ("a\nnan\ninf\n", "a.csv", {}, "It has no column of numbers."),
        ("a,b\n1,x\n", "a.csv", {"y": "b"}, "The column b is not one of numbers."),
        ("a,b\n1,2\n", "a.csv", {"y": "some thing"}, "There is no column some thing."),
        ("{", "a.json", {}, "It is no JSON."),
        ("[" * 30_000, "a.json", {}, "It is no JSON."),
        ("3", "a.json", {}, "It holds no list of objects."),
        ('{"a": 1}', "a.json", {}, "It holds no list of objects."),
        ("[1, 2]", "a.json", {}, "There are no rows."),
        (HISTORY, "a.csv", {"template": "own"}, "Plots of the template own are not drawn here."),
        (
            HISTORY,
            "a.csv",
            {"template": "confusion"},
            "It has no columns of what is true and what was predicted.",
        ),
    ],
)
def test_what_cannot_be_drawn_says_why(text: str, path: str, told: dict[str, str], message: str) -> None:
    drawn = plot(text, path, **told)
    assert drawn.look is Look.NOTHING
    assert messages(drawn) == [message]
    assert is_known(message)


@pytest.mark.parametrize("state", [one for one in FileState if one != FileState.KEPT])
def test_a_file_that_is_not_kept_says_why(state: FileState) -> None:
    record = PlotRecord("a.csv", series=(SeriesRecord("a.csv"),))
    drawn = draw(record, {"a.csv": File(state)})
    assert drawn.look is Look.NOTHING
    (note,) = drawn.notes
    assert note.path == "a.csv"
    assert is_known(note.message)


def test_an_axis_without_numbers_gives_way_to_the_rows_and_says_so() -> None:
    for x, problem in (("note", "The column note is not one of numbers."), ("z", "There is no column z.")):
        drawn = plot(x=x, y="loss")
        assert drawn.lines[0].points.x == [0, 1, 2]
        assert messages(drawn) == [f"{problem} Rows are counted instead."]
        assert is_known(messages(drawn)[0])


def test_ragged_rows_are_gaps_and_what_hangs_over_is_left_out() -> None:
    drawn = plot("a,b\n1\n2,5,9,9\n\n,7\n", x="a", y="b")
    assert (drawn.lines[0].points.x, numbers(drawn.lines[0].points.y)) == ([1, 2], [None, 5])


def test_what_is_not_finite_is_a_gap_or_has_no_place() -> None:
    (line,) = plot("x,y\n1,inf\n-inf,2\n2,3\n1e999,4\n", x="x").lines
    assert (line.points.x, numbers(line.points.y)) == ([1, 2], [None, 3])


def test_of_columns_with_one_name_the_first_counts() -> None:
    assert plot("a,a\n1,2\n", y="a").lines[0].points.y == [1]


def test_much_is_cut_and_says_so() -> None:
    many = plot("x\n" + "1\n" * (plot_tables.MAX_ROWS + 1))
    assert len(many.lines[0].points.x) == plot_tables.MAX_ROWS
    wide = plot(",".join(f"c{n}" for n in range(60)) + "\n" + ",".join(["1"] * 60) + "\n")
    assert len(wide.lines) == 8
    assert messages(many) + messages(wide) == [
        "Only the first 5000 rows are drawn.",
        "Only the first 8 columns are drawn.",
    ]
    assert all(map(is_known, messages(many) + messages(wide)))


def test_samples_become_a_matrix_with_or_without_the_template() -> None:
    text = "actual,predicted\ncat,cat\ncat,dog\ndog,dog\ndog,\n"
    for drawn in (plot(text), plot(text, template="confusion", x="actual", y="predicted")):
        assert drawn.matrix is not None
        assert (drawn.look, drawn.matrix.labels, drawn.matrix.total) == (Look.MATRIX, ("cat", "dog"), 3)
    named = plot("said,is,n\na,b,2\na,a,1\n", template="confusion_normalized", x="is", y="said")
    assert named.matrix is not None
    assert [[cell.count for cell in cells] for _label, cells, _sum in named.matrix.rows] == [[1, 0], [2, 0]]
    assert plot(text, template="linear").matrix is None
    assert plot("actual,predicted,p\n1,1,2\n", y="p").look is Look.LINES


def test_a_matrix_of_the_base_is_beside_it_if_it_is_one() -> None:
    now, before = "actual,predicted\na,a\n", "actual,predicted\na,b\n"
    drawn = plot(now, before=before)
    assert drawn.matrix_before is not None
    assert drawn.matrix_before.labels == ("a", "b")
    assert plot(now, before="x\n1\n").matrix_before is None
    many = "actual,predicted\n" + "".join(f"{n},{n}\n" for n in range(61))
    assert messages(plot(many)) == ["It has more than 60 classes."]
    assert plot(now, before=many).matrix is not None


def test_the_line_of_the_base_is_the_same_column_of_the_same_file() -> None:
    drawn = plot("x,y,new\n1,2,3\n", before="x,y,old\n1,4,5\n2,5,6\n", x="x")
    found = [(line.name, line.before.y if line.before else None) for line in drawn.lines]
    assert found == [("y", [4, 5]), ("new", None)]
    assert drawn.has_before
    assert not drawn.is_same


def test_equal_content_is_drawn_once() -> None:
    drawn = plot(before=HISTORY, x="epoch", y="loss")
    assert drawn.is_same
    assert not drawn.has_before
    assert not plot(x="epoch", y="loss").is_same


def test_a_base_that_cannot_be_drawn_says_nothing_about_this_commit() -> None:
    record = PlotRecord("a.csv", series=(SeriesRecord("a.csv", "epoch", "loss"),))
    for before in ({}, {"a.csv": File(FileState.LARGE)}, {"a.csv": kept("")}):
        drawn = draw(record, {"a.csv": kept(HISTORY)}, before)
        assert (drawn.has_before, drawn.notes, len(drawn.lines)) == (False, (), 1)


def test_lines_of_several_files_are_told_apart() -> None:
    series = (
        SeriesRecord("a.csv", "x", "y"),
        SeriesRecord("b.csv", "x", "y"),
        SeriesRecord("c.csv", "", "z"),
    )
    files = {"a.csv": kept("x,y\n1,2\n"), "b.csv": kept("x,y\n1,3\n"), "c.csv": File(FileState.CACHED)}
    drawn = draw(PlotRecord("both", series=series), files)
    assert [line.name for line in drawn.lines] == ["a.csv: y", "b.csv: y"]
    assert drawn.notes == (Note("c.csv", "DVC keeps it, not Git, and it has not been read yet."),)


def test_a_figure_has_the_base_dashed_in_the_same_colour_and_gaps() -> None:
    figure = json.loads(plot_figures.figure(plot(before="epoch,loss\n1,2\n2,1\n", x="epoch", y="loss")))
    before, now = figure["data"]
    assert figure["layout"]["legend"] == {"traceorder": "reversed"}
    assert (before["line"]["dash"], now["line"]["dash"]) == ("dash", "solid")
    assert before["meta"]["colour"] == now["meta"]["colour"] == 0
    assert (before["name"], now["name"]) == ("loss before", "loss")
    assert figure["layout"]["xaxis"]["title"]["text"] == "epoch"
    assert figure["layout"]["showlegend"] is True
    assert (before["mode"], before["showlegend"], now["mode"]) == ("lines", True, "lines+markers")
    alone = json.loads(plot_figures.figure(plot(y="loss")))
    assert (alone["layout"]["xaxis"]["title"]["text"], alone["layout"]["showlegend"]) == ("row", False)


def test_the_legend_of_several_lines_names_those_of_the_commit() -> None:
    text = "a,b\n1,2\n"
    traces = json.loads(plot_figures.figure(plot(text, before="a,b\n3,4\n")))["data"]
    assert [one["name"] for one in traces if one.get("showlegend", True)] == ["a", "b"]
    assert [one["mode"] for one in traces if one["line"]["dash"] == "dash"] == ["lines+markers"] * 2


def test_markup_in_names_stays_text_in_a_figure() -> None:
    drawn = plot(f"x,{NASTY}\n1,2\n", before=f"x,{NASTY}\n1,3\n", x="x", y_label=NASTY, x_label="<a>")
    assert drawn.lines
    assert "<" not in plot_figures.figure(drawn)


def test_plotly_accepts_the_figures() -> None:
    for template in ("linear", "scatter"):
        figure = json.loads(plot_figures.figure(plot(before="epoch,loss\n1,2\n", template=template)))
        graph_objects.Figure(figure)


def test_a_table_has_a_row_for_each_place_and_each_repetition() -> None:
    drawn = plot("x,y\n1,2\n1,3\n2.5,nan\n", before="x,y\n1,9\n12345678,1\n", x="x", y="y")
    assert plot_figures.names(drawn) == ["y", "y before"]
    assert plot_figures.rows(drawn) == [
        ("1", [2, 9]),
        ("1", [3, None]),
        ("2.5", [None, None]),
        ("12345678", [None, 1]),
    ]
    lines = list(plot_figures.csv(plot("x,=y\n1,2\n", x="x")))
    assert lines == ["x,'=y\r\n", "1,2.0\r\n"]


def test_what_json_escapes_is_made_storable() -> None:
    drawn = plot('[{"\\ud800": 1}]', "a.json")
    assert drawn.lines[0].name.encode()


DVC_YAML = b"""\
stages:
  train:
    cmd: python train.py
    wdir: sub
    plots:
      - logs.csv: {cache: false, x: epoch, y: loss, title: Loss}
      - bare.csv
      - also.csv
plots:
  - compared:
      x: step
      y: {sub/bare.csv: [a, b], other.json: auc}
      template: linear
  - sub/roc.json: {x: fpr, y: tpr}
"""


def test_both_forms_of_plots_are_read_and_a_file_is_not_named_twice() -> None:
    found = plot_records.kept(plot_records.of_pipeline("top", read_pipeline(DVC_YAML)))
    assert [(one.name, one.heading, [(s.path, s.x, s.y) for s in one.series]) for one in found] == [
        (
            "compared",
            "compared",
            [
                ("top/sub/bare.csv", "step", "a"),
                ("top/sub/bare.csv", "step", "b"),
                ("top/other.json", "step", "auc"),
            ],
        ),
        ("top/sub/roc.json", "top/sub/roc.json", [("top/sub/roc.json", "fpr", "tpr")]),
        ("top/sub/logs.csv", "Loss", [("top/sub/logs.csv", "epoch", "loss")]),
        ("top/sub/also.csv", "top/sub/also.csv", [("top/sub/also.csv", "", "")]),
    ]
    assert plot_records.from_json(json.loads(json.dumps(plot_records.as_json(found)))) == list(found)


def test_plots_without_end_are_cut() -> None:
    many = [PlotRecord(str(n), title="t") for n in range(100)]
    assert len(plot_records.kept(many)) == plot_records.MAX_PLOTS


def image(oid: str) -> File:
    return File(FileState.KEPT, oid, is_image=True)


def test_an_image_is_shown_beside_another_of_the_base() -> None:
    record = PlotRecord("a.png", series=(SeriesRecord("a.png"),))
    for before, shown in (({"a.png": image("2")}, "2"), ({}, ""), ({"a.png": kept(HISTORY)}, "")):
        drawn = draw(record, {"a.png": image("1")}, before)
        assert (drawn.look, drawn.images) == (Look.IMAGES, (Picture("a.png", "1", shown),))
        assert (drawn.has_before, drawn.is_same, drawn.notes_before) == (bool(shown), False, ())
    same = draw(record, {"a.png": image("1")}, {"a.png": image("1")})
    assert (same.images, same.is_same) == ((Picture("a.png", "1"),), True)
    failed = draw(record, {"a.png": image("1")}, {"a.png": File(FileState.FAILED, reason="away")})
    assert failed.notes_before == (Note("a.png", "away", is_failure=True),)
