"""The page of compared runs in a browser."""

import math

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import MetricSeries, Run, RunMetric
from experiments.series import Series
from tests.browser import OpenPage, accessibility_faults
from tests.people import make_user
from tests.runs import NASTY, add_curve, make_measured_run

pytestmark = pytest.mark.django_db(transaction=True)

LATER = 20_000  # milliseconds
LONG = 40_000  # points


@pytest.fixture
def someone() -> User:
    return make_user(Role.ENGINEER, username="someone")


@pytest.fixture
def runs() -> list[Run]:
    made = []
    for number, cer in enumerate((0.05, 0.04, 0.06)):
        run = make_measured_run(
            {"val_cer": cer, "epochs": 8},
            name=f"run {number}" if number else NASTY,
            params={"optimizer": "AdamW" if number else "SGD", "lr": f"0.00{number + 1}", "seed": "7"},
        )
        values = [cer + math.sin(step / 5) for step in range(LONG)]
        steps = list(range(LONG))
        packed = Series.of(steps, steps, values).pack()
        MetricSeries.objects.create(run=run, key="loss", packed=packed, length=LONG)
        add_curve(run, "val_cer", [0.5, cer])
        made.append(run)
    return made


def address(runs: list[Run], rest: str = "") -> str:
    return f"/compare/?runs={','.join(run.run_id for run in runs)}{rest}"


def inside(page: Page, low: int, high: int) -> int:
    """Return how many points of the longest curve are drawn between two steps."""
    return page.evaluate(
        """([low, high]) => {
          const chart = [...document.querySelectorAll("[data-chart-refines][data-drawn]")]
            .find((one) => one.dataset.chartUrl.includes("key=loss"));
          return [...chart.calcdata[0]].filter((point) => point.x >= low && point.x <= high).length;
        }""",
        [low, high],
    )


def drawn(page: Page, count: int) -> None:
    page.locator("#parallel").scroll_into_view_if_needed()
    page.locator("#curves").scroll_into_view_if_needed()
    expect(page.locator("[data-drawn]")).to_have_count(count, timeout=LATER)


def test_a_run_stands_out_everywhere_and_zooming_draws_finer(
    open_page: OpenPage, someone: User, runs: list[Run]
) -> None:
    page = open_page(address(runs), someone)
    drawn(page, 4)
    expect(page.locator(".compare-table img")).to_have_count(0)
    page.locator("#compare-runs li").nth(1).hover()
    mark = str(runs[1].pk)
    expect(page.locator(".compare-table th[data-highlighted]")).to_have_attribute("data-run", mark)
    expect(page.locator(f".scatterlayer .trace[data-run='{mark}'][data-highlighted]")).to_have_count(3)
    page.mouse.move(0, 0)
    expect(page.locator("[data-highlighted]")).to_have_count(0)
    before = inside(page, 20_000, 20_500)
    chart = page.locator("[data-chart-refines][data-chart-url*='key=loss']")
    with page.expect_response(lambda answer: "from=20000" in answer.url):
        chart.evaluate("(one) => Plotly.relayout(one, {'xaxis.range': [20000, 20500]})")
    expect(chart).to_have_attribute("data-refined", "&from=20000&to=20500", timeout=LATER)
    assert inside(page, 20_000, 20_500) > max(400, 4 * before)
    assert chart.evaluate("(one) => one.layout.xaxis.range.map(Number)") == [20_000, 20_500]


def test_differences_are_walked_and_choices_stand_in_the_address(
    open_page: OpenPage, someone: User, runs: list[Run]
) -> None:
    page = open_page(address(runs), someone)
    page.keyboard.press("n")
    expect(page.locator("tr:focus")).to_contain_text("val_cer")
    page.keyboard.press("n")
    expect(page.locator("tr:focus")).to_contain_text("lr")
    page.keyboard.press("p")
    expect(page.locator("tr:focus")).to_contain_text("val_cer")
    page.locator("select[name=point]").select_option("max")
    page.wait_for_url("**point=max**")
    expect(page.locator(".compare-table")).to_contain_text("@ 1")
    page.locator("#curve-band").check()
    page.wait_for_url("**band=1**")
    expect(page.locator("#curve-band")).to_be_checked()
    assert "point=max" in page.url
    page.get_by_role("link", name="Remove run 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 runs")
    Run.objects.filter(pk=runs[1].pk).update(status="RUNNING")
    page.reload()
    Run.objects.filter(pk=runs[1].pk).update(metrics={"val_cer": 0.875})
    RunMetric.objects.filter(run=runs[1]).update(value=0.875)
    page.locator("select[name=point]").select_option("last")
    page.wait_for_url("**point=last**")
    expect(page.locator(".compare-table")).to_contain_text("0.8750", timeout=LATER)


def test_everybody_can_read_the_page(open_page: OpenPage, someone: User, runs: list[Run]) -> None:
    for theme in ("light", "dark"):
        page = open_page(address(runs, "&smooth=0.6"), someone, theme=theme)
        drawn(page, 4)
        page.locator("#scatter summary").click()
        assert accessibility_faults(page) == []
    narrow = open_page(address(runs), someone, width=390)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    goals = open_page("/experiments/1/metrics/", someone)
    assert accessibility_faults(goals) == []
