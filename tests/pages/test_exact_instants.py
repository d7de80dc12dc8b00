"""The forms that ask as of when keep the instant that they were shown with."""

import re
from urllib.parse import quote

import pytest

from tests.pages.test_lineage_pages import DATA, client, page, story  # noqa: F401 - fixtures


@pytest.mark.parametrize("view", ["lineage:lineage", "lineage:impact", "registry:production"])
def test_a_form_that_is_sent_as_it_is_keeps_the_instant_to_the_microsecond(client, view):  # noqa: F811
    node = {} if view == "registry:production" else {"node": DATA}
    exact = "2026-01-04T15:00:00.123456Z"
    text = page(client, view, **node, at=exact).content.decode()
    assert f'<input type="hidden" name="exact" value="{exact}">' in text
    typed = re.search(r'name="at" value="([^"]+)"', text)[1]
    assert typed == "2026-01-04T15:00:00"

    def at(**form) -> str:
        return page(client, view, **node, exact=exact, **form).context["asked"].link

    assert at(at=typed, zone="+00:00") == exact
    assert at(at="2026-01-05T00:00:00", zone="+09:00") == exact
    assert at(at="2026-01-04T15:00:01", zone="+00:00") == "2026-01-04T15:00:01Z"
    assert at(at=typed, zone="+09:00") == "2026-01-04T06:00:00Z"
    assert at(at="2026-01-04T15:00:00Z") == "2026-01-04T15:00:00Z"
    assert page(client, view, **node, at=typed, zone="+00:00", exact="%x").status_code == 200


def test_links_of_a_form_that_was_sent_keep_its_instant(client):  # noqa: F811
    form = {"at": "2026-01-05T00:00:00", "zone": "+09:00", "exact": "2026-01-04T15:00:00.123456Z"}
    text = page(client, "lineage:impact", node=DATA, **form).content.decode()
    [address] = re.findall(r'href="(/api/v1/lineage/impact/[^"]+)"', text)
    assert client.get(address.replace("&amp;", "&")).status_code == 200
    assert f"at={quote(form['exact'])}" in address
    text = page(client, node=DATA, **form).content.decode()
    (forever,) = re.findall(r'<a href="([^"]+)">Permanent link', text)
    assert client.get(forever.replace("&amp;", "&")).context["asked"].link == form["exact"]
    assert "exact" not in forever


@pytest.mark.parametrize("view", ["lineage:lineage", "lineage:impact", "registry:production"])
@pytest.mark.parametrize("zone", ["-12:00", "+14:00"])
def test_the_first_instants_of_all_are_answered_in_every_zone(client, view, zone):  # noqa: F811
    node = {} if view == "registry:production" else {"node": DATA}
    assert page(client, view, **node, at="0001-01-01T00:00:00Z", zone=zone).status_code == 422
    answer = page(client, view, **node, at="0001-01-02T12:00:00", zone=zone)
    assert answer.status_code == 200
    assert 'value="0001-01-02T12:00:00"' in answer.content.decode()
