"""Rules of links to the lineage graph, against the ids that it reads."""

from urllib.parse import parse_qs, urlsplit

import pytest

from experiments import lineage_links
from lineage.node_ids import Kind, NodeId, parse

SHA, MD5 = "a1" * 20, f"{'b2' * 16}.dir"


@pytest.mark.parametrize(
    ("address", "node"),
    [
        (lineage_links.of_run("0f" * 16), NodeId(Kind.RUN, "0f" * 16)),
        (lineage_links.of_commit(SHA, "receipts & more"), NodeId(Kind.COMMIT, SHA, "receipts & more")),
        (lineage_links.of_commit(SHA), NodeId(Kind.COMMIT, SHA)),
        (lineage_links.of_data(MD5), NodeId(Kind.DATA, MD5)),
        (lineage_links.of_data("100%"), NodeId(Kind.DATA, "100%")),
    ],
)
def test_a_link_names_the_node_that_it_is_about(address: str, node: NodeId) -> None:
    [text] = parse_qs(urlsplit(address).query)["node"]
    assert parse(text) == node


def test_what_nobody_recorded_has_no_link() -> None:
    assert (lineage_links.of_commit(""), lineage_links.of_data("")) == ("", "")
