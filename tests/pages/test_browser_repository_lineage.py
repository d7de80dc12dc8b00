"""Pages of a repository's data and pipeline in Chromium: accessible, and at home on narrow screens."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Ref, Repository
from lineage.models import HistoryState
from lineage.plot_records import FileState, PlotRecord, SeriesRecord
from tests.browser import OpenPage, accessibility_faults
from tests.history import make_history, make_plan, make_plots
from tests.jobs import make_commit, make_repository
from tests.pages.test_repository_lineage import make_tag, repository, someone  # noqa: F401 - fixtures
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_pages_of_a_repository_are_accessible_and_lead_to_each_other(
    open_page: OpenPage,
    someone: User,  # noqa: F811
    repository: Repository,  # noqa: F811
) -> None:
    make_plan(repository, minutes=45, hook_nonce="a number", hook_made_by="x" * 150)
    page = open_page(repository.get_absolute_url(), make_user(Role.ADMINISTRATOR), width=390)
    for tab, heading in (
        ("pipeline", "Graph"),
        ("data", "Data sets and outputs"),
        ("history", "Commits"),
        ("gto", ""),
        ("updates", "By the clock"),
    ):
        page.locator(f"#tab-{tab}").click()
        expect(page.locator(f"#tab-{tab}")).to_have_attribute("aria-current", "page")
        if heading:
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert accessibility_faults(page) == []
        assert page.evaluate(OVERFLOW) <= 0
    page.locator("#tab-data").click()
    page.get_by_role("link", name="data/raw").click()
    page.get_by_role("button", name="Compare the chosen two").click()
    expect(page.get_by_role("heading", name="The two versions")).to_be_visible()
    assert accessibility_faults(page) == []
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Read by")).to_be_visible()
    assert accessibility_faults(page) == []


def test_what_gto_says_and_a_failed_index_fit_on_narrow_pages(
    open_page: OpenPage,
    someone: User,  # noqa: F811
    repository: Repository,  # noqa: F811
) -> None:
    sha = repository.history.values_list("sha", flat=True)[0]
    make_tag(repository, f"{'long-name-' * 10}x@v1.0.0", sha)
    for number, stage in enumerate(("dev", "staging", "prod")):
        make_tag(repository, f"{'long-name-' * 10}x#{stage}#{number}", sha)
    HistoryState.objects.update(error=f"git rev-list failed: {'/very/long/path' * 20}\nand more")
    page = open_page(f"{repository.get_absolute_url()}history/", make_user(Role.VIEWER), width=390)
    expect(page.get_by_text("x@v1.0.0 (dev, prod, staging)")).to_be_visible()
    expect(page.get_by_role("link", name="fetch the repository")).to_be_visible()
    assert accessibility_faults(page) == []
    assert page.evaluate(OVERFLOW) <= 0


def test_a_page_shows_the_history_as_soon_as_it_is_indexed(open_page: OpenPage) -> None:
    waiting = make_repository("new-here")
    page = open_page("/repositories/new-here/history/", make_user(Role.VIEWER))
    expect(page.get_by_text("not indexed yet")).to_be_visible()
    make_history(waiting, subject="First of all")
    HistoryState.objects.create(repository=waiting, indexed_at=timezone.now())
    expect(page.get_by_role("cell", name="First of all")).to_be_visible()
    expect(page.get_by_text("not indexed yet")).to_have_count(0)


def test_many_tags_of_a_commit_hide_nothing(open_page: OpenPage) -> None:
    registry = make_repository("registry")
    commit = make_commit(registry, branch="main", subject="Annotate the models")
    for number in range(12):
        Ref.objects.create(repository=registry, kind="tag", name=f"churn#prod#{number}", commit=commit)
    page = open_page(registry.get_absolute_url(), make_user(Role.VIEWER))
    row = page.locator(f"#commit-{commit.sha}")
    cell = row.locator(".commit-cell").bounding_box()
    tags = [one.bounding_box() for one in row.locator(".tag").all()]
    assert cell
    assert len(tags) == 13
    assert all(one and one["x"] + one["width"] <= cell["x"] + cell["width"] for one in tags)
    subject = row.get_by_text("Annotate the models").bounding_box()
    assert subject
    assert subject["width"] > 100


def test_plots_of_a_commit_and_its_base_are_drawn_and_their_tables_open(
    open_page: OpenPage,
    someone: User,  # noqa: F811
    repository: Repository,  # noqa: F811
) -> None:
    records = [
        PlotRecord("history.csv", "Training", series=(SeriesRecord("history.csv", "epoch"),)),
        PlotRecord("digits.csv", "Digits", template="confusion", series=(SeriesRecord("digits.csv"),)),
        PlotRecord("data/big.csv", series=(SeriesRecord("data/big.csv"),)),
    ]
    for number, commit in enumerate(repository.history.order_by("committed_at")):
        rows = "".join(f"{epoch},{1 / (epoch + number)},{2 / (epoch + number)}\n" for epoch in range(1, 40))
        samples = "".join(f"{at % 10},{at * (7 + number) % 11 % 10}\n" for at in range(200))
        files = {
            "history.csv": f"epoch,cer,<a href='//x'>loss</a>\n{rows}",
            "digits.csv": f"actual,predicted\n{samples}",
            "data/big.csv": FileState.CACHED,
        }
        make_plots(commit, records, files)
    page = open_page(f"{repository.get_absolute_url()}pipeline/", someone, width=390)
    page.locator("#plot-1").scroll_into_view_if_needed()
    expect(page.locator("#plot-1 [data-drawn]")).to_be_visible()
    expect(page.locator("#plot-1 .scatterlayer .trace")).to_have_count(4)
    # What Plotly would take for a link is shown as it is written.
    expect(page.locator("#plot-1 .legendtext").nth(1)).to_have_text("<a href='//x'>loss</a>")
    assert page.locator("#plot-1 .chart a:not(.modebar-btn)").count() == 0
    page.locator("#plot-1 summary").click()
    expect(page.locator("#plot-1 td").first).to_have_text("1")
    expect(page.locator("#plot-2 table")).to_have_count(2)
    assert accessibility_faults(page) == []
    assert page.evaluate(OVERFLOW) <= 0
