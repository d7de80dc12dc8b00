"""Plots that only a DVC remote has, in Chromium: asked for, read by a job, and drawn without a reload."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.roles import Role
from experiments.models import Job
from tests.browser import OpenPage, accessibility_faults
from tests.dvc_objects import hash_of, put, put_folder
from tests.jobs import run_all
from tests.people import make_user
from tests.plotted_projects import connected, project
from tests.run_file_contents import png

pytestmark = pytest.mark.django_db(transaction=True)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
DVC_YAML = """\
stages:
  train:
    cmd: python train.py
    outs: [live]
    plots:
      - roc.csv: {x: epoch, y: loss, title: Loss}
      - gone.csv
plots:
  - live/metrics: {x: epoch}
  - live/picture.png
  - live/digits.json: {template: confusion, x: actual, y: predicted, title: Digits}
"""


def outputs(dvc_remote: Path, scale: float, *, with_roc: bool) -> dict[str, str]:
    """Put what a run made into the remote; return path -> hash."""
    rows = "".join(f"{epoch},{scale / epoch:.3f}\n" for epoch in range(1, 30))
    loss = f"epoch,loss\n{rows}".encode()
    digits = [{"actual": at % 5, "predicted": int(at * (7 + scale)) % 11 % 5} for at in range(100)]
    files = {
        "metrics/train/accuracy.csv": f"epoch,accuracy\n{rows}".encode(),
        "digits.json": json.dumps(digits).encode(),
        "picture.png": png(240 + int(scale), 120),
    }
    roc = put(dvc_remote, loss) if with_roc else hash_of(loss)
    return {"roc.csv": roc, "gone.csv": hash_of(b"gone"), "live": put_folder(dvc_remote, files)}


def test_plots_of_a_remote_are_read_and_drawn_without_a_reload(
    open_page: OpenPage,
    tmp_path: Path,
    dvc_cache: Path,
    dvc_remote: Path,
) -> None:
    outs = [outputs(dvc_remote, 2, with_roc=False), outputs(dvc_remote, 1, with_roc=True)]
    repository = connected(project(tmp_path / "git", dvc_remote, *outs, yaml=DVC_YAML))
    page = open_page(f"{repository.get_absolute_url()}pipeline/", make_user(Role.ENGINEER), width=390)
    expect(page.locator("#plots-reading")).to_contain_text("DVC keeps 9 files of these plots")
    assert accessibility_faults(page) == []
    page.get_by_role("button", name="Read plots").click()
    expect(page.locator("#plots-reading")).to_contain_text("reads them now")
    assert accessibility_faults(page) == []
    assert run_all() == ["read_plots"]
    page.locator("#plots figure").first.scroll_into_view_if_needed()
    expect(page.locator("#plots figure")).to_have_count(4)
    expect(page.get_by_role("heading", name="live/metrics/train/accuracy.csv")).to_be_visible()
    for chart in page.locator("#plots .chart").all():
        chart.scroll_into_view_if_needed()
        expect(chart.locator("[data-drawn], .scatterlayer").first).to_be_visible()
    image = page.get_by_alt_text("live/picture.png", exact=True)
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("naturalWidth", 241)
    # What could not be had says why, and can be tried again.
    reason = "It is in none of these places: cache, remote."
    expect(page.locator("#plots .panel", has_text="gone.csv")).to_contain_text(reason)
    expect(page.locator("#plots .panel", has_text="Loss")).to_contain_text(f"Before: {reason}")
    expect(page.locator("#plots-reading")).to_contain_text("2 files that DVC keeps could not be read.")
    expect(page.get_by_role("button", name="Try again")).to_be_enabled()
    assert Job.objects.filter(kind="read_plots").count() == 1
    assert accessibility_faults(page) == []
    assert page.evaluate(OVERFLOW) <= 0
