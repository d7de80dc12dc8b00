"""Pages and REST of lineage: graph, search, impact, comparison, and the way there from a version."""

import json
import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import expect

from accounts.roles import Role
from experiments.models import Repository
from lineage.models import DataVersion
from registry.models import RegisteredModel
from tests.browser import accessibility_faults
from tests.deployments import make_deployment
from tests.jobs import make_repository
from tests.lineage_rows import (
    MODELS,
    PROCESSED,
    RAW,
    SHA,
    make_data,
    make_history_commit,
    make_job_run,
    make_pipeline,
    make_plain_run,
    make_stage,
)
from tests.people import make_user
from tests.stage_events import day, enter, leave, make_promotion
from tests.versions import make_version

pytestmark = pytest.mark.django_db
HREF = re.compile(r'href="([^"]+)"')
HOSTILE = "<img src=x onerror=alert(1)>"
DATA = f"data:receipts:data/raw@{RAW}"
VERSION = "version:receipt-ocr@1.0.0"


@pytest.fixture
def story(db):
    make_pipeline(make_repository("receipts"))
    version = make_version(run_id=make_job_run().run_id, created_at=day(3), stage="Production")
    enter(version, day(4), promotion=make_promotion(version, opened_at=day(3.5), decided_at=day(4)))
    make_deployment(version, at=day(5))
    return version


@pytest.fixture
def client(story):
    client = Client()
    client.force_login(make_user(Role.VIEWER, username="viewer"))
    return client


def page(client, view="lineage:lineage", **query):
    return client.get(reverse(view), query)


def test_the_page_draws_the_graph_and_lists_it(client):
    text = page(client, node=VERSION).content.decode()
    assert "<svg" in text
    for name in ("preprocess", "data/raw", SHA[:10], "production-eu"):
        assert text.count(name) >= 2, name
    assert 'data-stage="production"' in text
    assert "2 hops upstream" in text


def test_nodes_of_one_name_are_told_apart_and_the_list_has_every_line(client):
    receipts = Repository.objects.get(name="receipts")
    later = "2" * 40
    again = make_stage(receipts, "train", reads=[("data/out", PROCESSED)], makes=[("b", "9" * 32)], sha=later)
    audit = make_stage(receipts, "audit", reads=[("models", MODELS), ("b", "9" * 32)], sha=later)
    make_history_commit(receipts, later, [again, audit])
    text = page(client, node=f"data:receipts:data/out@{PROCESSED}", direction="downstream").content.decode()
    assert {SHA[:8], later[:8]} <= set(re.findall(r'class="box-mark">(\w+)<', text))
    assert f"Pipeline stage train {later[:8]}, " in text
    listed = " ".join(re.sub(r"<[^>]+>", " ", text.partition("It led to")[2]).split())
    assert listed.count("Pipeline stage audit") == 2
    assert "led to Pipeline stage audit" in listed
    assert "box-mark" not in page(client, node=VERSION).content.decode()


def test_every_node_of_it_can_be_the_root(client):
    for node in page(client, view="api-lineage", node=VERSION).json()["nodes"]:
        answer = page(client, node=node["id"])
        assert answer.status_code == 200, node["id"]
        assert node["title"] in answer.content.decode()


def test_the_past_is_shown_as_it_was(client):
    text = page(client, node=VERSION, at="2026-01-04T15:00:00Z").content.decode()
    assert 'data-stage="development"' in text
    assert "production-eu" not in text
    assert "as of" in text
    assert "Nothing had come of it by then." in text
    before = page(client, node=VERSION, at="2026-01-02T00:00:00Z").content.decode()
    assert "It did not exist then." in before
    assert "data-stage" not in before.split('id="changes-title"')[0]


def test_one_click_leads_to_just_before_a_version_changed_its_stage(client, story):
    # Both within one second: an address to the second would show neither.
    at = day(6) + timedelta(microseconds=250_000)
    leave(story, at)
    enter(story, at + timedelta(microseconds=1), from_stage="Archived", to_stage="Production")
    text = page(client, node=VERSION).content.decode()
    first, second, _third = re.findall(r'class="lineage-before" href="([^"]+)"', text)
    stages = []
    for link in (second, first):
        before = client.get(reverse("lineage:lineage") + link.replace("&amp;", "&")).content.decode()
        stages.append(re.search(r'data-root[^>]*>.*?data-stage="(\w+)"', before)[1])
        (forever,) = re.findall(r'<a href="([^"]+)">Permanent link', before)
        assert f'data-stage="{stages[-1]}"' in client.get(forever.replace("&amp;", "&")).content.decode()
    assert stages == ["production", "archived"]


def test_a_version_is_compared_with_the_one_before_unless_another_is_chosen(client, story):
    for number in ("0.9.0", "0.10.0", "2.0.0"):
        make_version(number)
    text = page(client, node=VERSION).content.decode()
    options = re.findall(r'<option value="version:receipt-ocr@([\d.]+)"( selected)?>', text)
    assert options == [("2.0.0", ""), ("0.10.0", " selected"), ("0.9.0", "")]
    assert page(client, "lineage:compare", a="version:receipt-ocr@0.10.0", b=VERSION).status_code == 200


def test_the_graph_of_a_version_leads_to_its_proofs(client, story):
    text = page(client, node=VERSION).content.decode()
    for view in ("lineage:reproductions", "lineage:version-evidence"):
        assert f'href="{reverse(view, args=["receipt-ocr", "1.0.0"])}"' in text


def test_a_moment_that_cannot_be_asked_about_is_said(client):
    answer = page(client, node=VERSION, at="3026-01-01T00:00:00Z")
    assert answer.status_code == 422
    assert "This is in the future." in answer.content.decode()


@pytest.mark.parametrize(
    ("node", "status"), [("version:x@1.0.0", 404), ("nonsense", 422), (HOSTILE, 422), ("data:r:%00@a", 422)]
)
def test_what_is_no_node_is_said(client, node, status):
    for view, wanted in (("lineage:lineage", status), ("lineage:impact", 422)):
        answer = page(client, view, node=node)
        assert answer.status_code == wanted
        assert HOSTILE not in answer.content.decode()


@pytest.mark.parametrize(
    "query", [{"depth": "-1"}, {"depth": "99999"}, {"direction": "sideways"}, {"open": HOSTILE}]
)
def test_what_makes_no_sense_in_the_address_is_left_out(client, query):
    answer = page(client, node=VERSION, **query)
    assert answer.status_code == 200
    assert HOSTILE not in answer.content.decode()


def test_a_search_goes_to_the_one_node_that_is_meant(client, story):
    promotion = story.promotions.get().pk
    for text, node in (
        ("receipt-ocr@1.0.0", VERSION),
        (RAW[:8], DATA),
        (SHA[:7], f"commit:receipts@{SHA}"),
        ("data/raw", DATA),
        (story.run_id[-32:], f"run:{story.run_id}"),
        (SHA[:7].upper(), f"commit:receipts@{SHA}"),
        (RAW[:8].upper(), DATA),
        ("data/raw/", DATA),
        ("ta/RA", DATA),
        ("OCR", VERSION),
        (VERSION, VERSION),
        (f"#{promotion}", f"promotion:{promotion}"),
    ):
        answer = page(client, q=text)
        assert answer.status_code == 302, (text, answer.context["matches"])
        assert parse_qs(urlsplit(answer["Location"]).query)["node"] == [node]
    assert "No node is called that." in page(client, q="nothing of the kind").content.decode()


def test_versions_of_one_path_are_told_apart_by_their_hash(client):
    receipts = Repository.objects.get(name="receipts")
    make_data(receipts, "data/raw", "7" * 32 + ".dir", at=day(2))
    for view in ("lineage:lineage", "lineage:impact"):
        text = page(client, view, q="data/raw").content.decode()
        assert "<code>777777777777</code>" in text
        assert f"<code>{RAW[:12]}</code>" in text


def test_an_id_with_an_abbreviated_hash_leads_to_the_node(client):
    for text, node in ((f"commit:@{SHA[:8]}", f"commit:receipts@{SHA}"), (f"data::@{RAW[:8]}", DATA)):
        answer = page(client, node=text)
        assert parse_qs(urlsplit(answer["Location"]).query)["node"] == [node]
    assert page(client, node="commit:@abcdef12").status_code == 404


def test_groups_are_links_that_show_more(client):
    for number in range(12):
        make_version(f"2.0.{number}", run_id=make_plain_run().run_id)
    text = page(client, node=DATA).content.decode()
    assert "+7 runs" in text
    assert "open=run.data." in text
    opened = page(client, node=DATA, open=f"run.data.{RAW}").content.decode()
    assert "+7 runs" not in opened


def test_hostile_names_are_text(client):
    DataVersion.objects.update(path=HOSTILE, message=HOSTILE, author=HOSTILE)
    for view in ("lineage:lineage", "lineage:impact"):
        assert HOSTILE not in page(client, view, node=f"data::@{RAW}").content.decode()


def test_one_click_from_data_to_the_production_models_it_reached(client):
    text = page(client, node=DATA).content.decode()
    assert "This data has a problem: which production models?" in text
    shown = page(client, "lineage:impact", node=DATA, stage="Production").content.decode()
    assert "receipt-ocr" in shown
    assert "production-eu" in shown


def test_the_impact_is_downloaded_without_formulas(client):
    RegisteredModel.objects.update(name="=HYPERLINK()")
    answer = page(client, "lineage:impact", node=DATA, format="csv")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("model,version,stage_now,stage_then")
    assert lines[1].startswith("'=HYPERLINK(),1.0.0,Production")


def test_impact_asks_for_a_cause_and_offers_what_a_search_finds(client):
    assert "What did it reach?" in page(client, "lineage:impact").content.decode()
    assert page(client, "lineage:impact", q="data/raw").status_code == 200
    assert page(client, "lineage:impact", node=VERSION).status_code == 422


def test_two_versions_are_compared(client):
    make_version("1.1.0", run_id=make_job_run("2" * 40, "9" * 32).run_id)
    text = page(client, "lineage:compare", a="receipt-ocr@1.0.0", b="1.1.0").content.decode()
    assert "Changed:" in text
    assert page(client, "lineage:compare", a="receipt-ocr@1.0.0", b="7.0.0").status_code == 404
    assert page(client, "lineage:compare").status_code == 200


def test_a_version_leads_to_its_graph(client, story):
    assert "/lineage/" in client.get(story.get_absolute_url()).content.decode()
    answer = client.get(reverse("lineage:version-lineage", args=["receipt-ocr", "1.0.0"]), follow=True)
    assert answer.redirect_chain[-1][0].startswith("/lineage/?node=version")


def test_rest_says_the_same(client):
    answer = page(client, "api-lineage", node=VERSION, direction="upstream", depth="2").json()
    assert (answer["root"], answer["complete"], answer["cycle"]) == (VERSION, True, [])
    assert {node["kind"] for node in answer["nodes"]} == {"version", "run", "commit", "data", "stage"}
    names = {node["id"] for node in answer["nodes"]}
    assert all({edge["source"], edge["target"]} <= names for edge in answer["edges"])
    again = client.get(reverse("api-version-lineage", args=["receipt-ocr", "1.0.0"])).json()
    assert again["root"] == VERSION
    impact = page(client, "api-impact", node=DATA).json()
    assert [row["stage"] for row in impact["results"]] == ["Production"]
    assert impact["results"][0]["deployments"][0]["environment"] == "production-eu"
    compared = page(client, "api-lineage-comparison", a=VERSION, b="1.0.0").json()
    assert compared["changed"] == []


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("api-lineage", {}),
        ("api-lineage", {"node": VERSION, "direction": "sideways"}),
        ("api-lineage", {"node": VERSION, "depth": "many"}),
        ("api-lineage", {"node": VERSION, "at": "yesterday"}),
        ("api-impact", {}),
        ("api-impact", {"node": DATA, "stage": "Moon"}),
        ("api-impact", {"node": VERSION}),
    ],
)
def test_rest_refuses_what_makes_no_sense(client, view, query):
    answer = page(client, view, **query)
    assert answer.status_code == 422
    assert json.loads(answer.content)["status"] == 422


def test_rest_hides_what_may_not_be_seen(client, story):
    RegisteredModel.objects.update(restricted=True)
    answer = page(client, "api-lineage", node=f"run:{story.run_id}").json()
    hidden = [node for node in answer["nodes"] if node["hidden"]]
    assert [(node["id"], node["facts"], node["stage"]) for node in hidden] == [("hidden:1", {}, None)]
    assert "receipt-ocr" not in json.dumps([*hidden, answer["edges"]])
    assert page(client, "api-impact", node=DATA).json()["hidden"] == 1
    impact = page(client, "lineage:impact", node=DATA, stage="Production").content.decode()
    assert "No version that you may see is reached." in impact
    assert "has not been registered" not in impact


def test_the_page_of_a_version_leads_from_its_data_to_where_it_serves(client, story):
    story.lineage = {"git_commit": SHA, "dataset_hash": RAW, "stagegate.repository": "receipts"}
    story.save()
    make_deployment(story, "production-us", at=day(6))
    make_deployment(story, "staging", at=day(6), retired_at=day(7))
    text = client.get(story.get_absolute_url()).content.decode()
    strip = text.partition('<ol class="lineage-strip">')[2].partition("</ol>")[0]
    links = [parse_qs(urlsplit(unescape(href)).query).get("node", [href])[0] for href in HREF.findall(strip)]
    assert links == [
        f"data::@{RAW}",
        f"commit:receipts@{SHA}",
        *(f"/runs/{story.run_id}/", story.get_absolute_url()),
        *(story.promotions.get().get_absolute_url(), "/models/receipt-ocr/deployments/"),
    ]
    assert "production-us, production-eu" in strip
    assert "staging" not in strip


@pytest.mark.parametrize("view", ["lineage:lineage", "api-lineage", "lineage:impact", "api-impact"])
def test_the_queries_of_pages_and_rest_do_not_grow(client, view):
    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, view, node=DATA)
        return len(queries)

    ask()
    few = ask()
    for number in range(30):
        make_deployment(make_version(f"3.0.{number}", run_id=make_plain_run().run_id))
    assert ask() == few


@pytest.mark.django_db(transaction=True)
def test_the_graph_in_a_browser(open_page, story):
    user = make_user(Role.VIEWER, username="reader")
    shown = open_page(f"/lineage/?node={VERSION}", user, width=390)
    assert not accessibility_faults(shown)
    shown.get_by_role("link", name="Data data/raw").first.click()
    ask = shown.get_by_role("link", name="This data has a problem")
    ask.wait_for()
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    ask.click()
    shown.get_by_role("heading", name="Impact").wait_for()
    assert not accessibility_faults(shown)
    make_version("1.1.0", run_id=make_job_run("2" * 40, "9" * 32).run_id)
    dark = open_page(f"/lineage/compare/?a={VERSION}&b=1.1.0", user, theme="dark", width=390)
    assert not accessibility_faults(dark)
    assert dark.locator("#data table").evaluate("it => it.scrollWidth <= it.parentElement.clientWidth")


@pytest.mark.django_db(transaction=True)
def test_the_whole_of_a_wide_graph_fits_its_frame_and_goes_back_to_its_root(open_page, story):
    shown = open_page(f"/lineage/?node={VERSION}", make_user(Role.VIEWER, username="reader"), width=700)
    view = shown.locator("#graph-view")
    assert view.evaluate("it => it.scrollWidth > it.clientWidth")
    whole = shown.get_by_role("button", name="Whole graph")
    whole.click()
    expect(whole).to_have_attribute("aria-pressed", "true")
    assert view.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert not accessibility_faults(shown)
    whole.click()
    expect(shown.locator("#graph-view [data-root]")).to_be_in_viewport()
    assert view.evaluate("it => it.scrollLeft > 0")
    assert shown.get_by_role("link", name="Graph of data/raw").count() == 1


@pytest.mark.django_db(transaction=True)
def test_on_paper_hashes_are_whole_times_absolute_and_facts_open(open_page, story):
    user = make_user(Role.VIEWER, username="reader")
    paper = open_page(f"/lineage/?node={VERSION}", user, width=794)
    expect(paper.locator(".paper-only")).to_be_hidden()
    paper.emulate_media(media="print")
    expect(paper.locator(".paper-only time")).to_be_visible()
    expect(paper.locator(".lineage-tree details .kv").first).to_be_visible()
    expect(paper.locator(".lineage-compare, .lineage-before, .lineage-root").first).to_be_hidden()
    printed = "it => getComputedStyle(it, '::after').content"
    assert RAW in paper.locator(f'.digest code[title="{RAW}"]').first.evaluate(printed)
    impact = open_page(f"/lineage/impact/?node={DATA}", user, width=794)
    impact.emulate_media(media="print")
    assert "2026-01-04" in impact.locator("td time[data-relative]").first.evaluate(printed)
    assert impact.locator(".table-scroll").evaluate("it => it.scrollWidth <= it.clientWidth")
