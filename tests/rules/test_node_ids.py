"""Ids of nodes: said one way, read back as they were, and refused where they are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.node_ids import Kind, NodeId, NodeIdError, parse

MD5, SHA = "9f1c4e0d2b7a8c6f5e3d1a0b9c8d7e6f.dir", "4be1c9a7d03f2e5b6a8c1d9e7f0a3b2c5d4e6f81"

names = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        (f"data:receipts:data/raw@{MD5}", NodeId(Kind.DATA, MD5, "receipts", "data/raw")),
        (f"data::@{MD5}", NodeId(Kind.DATA, MD5)),
        (f"commit:receipts@{SHA}", NodeId(Kind.COMMIT, SHA, "receipts")),
        (f"commit:@{SHA}", NodeId(Kind.COMMIT, SHA)),
        (
            f"stage:receipts:models/dvc.yaml%3Atrain@{SHA}",
            NodeId(Kind.STAGE, SHA, "receipts", "models/dvc.yaml:train"),
        ),
        ("run:0a1b", NodeId(Kind.RUN, "0a1b")),
        ("version:receipt-ocr@1.2.0-rc.1+b7", NodeId(Kind.VERSION, "1.2.0-rc.1+b7", path="receipt-ocr")),
        ("version:a%40b@1.0.0", NodeId(Kind.VERSION, "1.0.0", path="a@b")),
        ("promotion:12", NodeId(Kind.PROMOTION, "12")),
        ("deployment:7", NodeId(Kind.DEPLOYMENT, "7")),
    ],
)
def test_each_kind_is_read_and_written(text, node):
    assert parse(text) == node
    assert str(node) == text


@given(names, names, st.sampled_from([Kind.DATA, Kind.STAGE, Kind.VERSION]))
def test_whatever_a_name_holds_it_comes_back(repository, path, kind):
    name = {Kind.DATA: MD5, Kind.STAGE: SHA, Kind.VERSION: "1.0.0"}[kind]
    node = NodeId(kind, name, "" if kind is Kind.VERSION else repository, path)
    assert parse(str(node)) == node


@given(st.text(max_size=80))
def test_any_text_is_an_id_or_refused(text):
    try:
        node = parse(text)
    except NodeIdError:
        return
    assert parse(str(node)) == node


def test_a_plus_that_became_a_space_is_a_plus():
    assert parse("version:m@1.0.0 b7").name == "1.0.0+b7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version",
        "table:a@b",
        "VERSION:m@1.0.0",
        "version:m",
        "version:@1.0.0",
        "version:m@",
        "version:m@<script>",
        "data:receipts@abc",
        "data:r:p@",
        "data:r:p@a b",
        "data:r:p%00@abc",
        "data:r:p%0a@abc",
        "data:r:%ff@abc",
        "data:r:%zz@abc",
        "data:r:%@abc",
        f"data:{'r' * 101}:p@abc",
        f"data:r:{'p' * 501}@abc",
        "commit:r@not-a-sha",
        "commit:r@4BE1C9A7",
        "stage:r:@abcd",
        "run:a/b",
        "run:",
        "promotion:0",
        "promotion:-1",
        "promotion:1.5",
        "promotion:\uff11",
        f"deployment:{'9' * 19}",
        "x" * 3000,
    ],
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(NodeIdError):
        parse(text)
