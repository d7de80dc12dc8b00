"""The main pages in Korean, in a browser: readable for everybody, in whole words, on narrow screens too."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from experiments.models import Job, Run
from tests.browser import OpenPage, accessibility_faults
from tests.jobs import make_commit, make_job, make_repository, write_log
from tests.people import make_user
from tests.registry_story import Story, make_story
from tests.runs import add_curve, set_mirror

pytestmark = pytest.mark.django_db(transaction=True)

# Prose and headings in which a line may break between two syllables of a word.
_BREAKABLE = """() => [...document.querySelectorAll('main p, main h1, main h2, main th, main dt, main .btn')]
    .filter(one => getComputedStyle(one).wordBreak !== 'keep-all').map(one => one.outerHTML)"""


@dataclass(frozen=True)
class Lived:
    """A site with something on every page."""

    story: Story
    run: Run
    running: Job
    failed: Job
    queued: Job
    user: User

    @property
    def paths(self) -> list[str]:
        """The addresses of the main pages."""
        version = self.story.candidate.get_absolute_url()
        return [
            "/",
            "/models/",
            self.story.candidate.model.get_absolute_url(),
            version,
            f"{version}metadata/",
            f"{version}metrics/",
            f"{version}history/",
            "/promotions/",
            self.story.opened.get_absolute_url(),
            "/experiments/",
            "/runs/",
            self.run.get_absolute_url(),
            "/jobs/",
            self.running.get_absolute_url(),
            self.failed.get_absolute_url(),
            "/repositories/",
            "/repositories/receipt-ocr/",
            "/repositories/receipt-ocr/run/",
            "/settings/",
        ]


@pytest.fixture
def lived() -> Lived:
    """A site with models, runs, a repository and jobs in several states."""
    story = make_story()
    run = Run.objects.get(run_id=story.candidate.run_id)
    add_curve(run, "val_cer", [0.4, 0.2, 0.1, 0.05])
    set_mirror(ago=3)
    repository = make_repository()
    commit = make_commit(repository, branch="main")
    user = make_user(Role.REVIEWER, Role.ENGINEER, Role.ADMINISTRATOR, username="jiwoo")
    payload = {"ref": "main", "sha": commit.sha, "overrides": {"train.epochs": 2}}
    steps = [
        {"name": "clone", "state": "done", "seconds": 0.4},
        {"name": "fetch data", "state": "done", "seconds": 3.2},
        {"name": "train", "state": "running", "seconds": None},
        {"name": "push data", "state": "waiting", "seconds": None},
    ]
    running = make_job("running", user=user, repository=repository, payload=payload, steps=steps)
    write_log(running, ["Running stage 'train':", "epoch 1"])
    failed = make_job("failed", user=user, error="MLflow at http://mlflow:5000 cannot be reached.")
    queued = make_job("queued", kind="register", payload={"model": "receipt-ocr", "version": "1.5.0"})
    return Lived(story, run, running, failed, queued, user)


def in_korean(open_page: OpenPage, path: str, user: User, **options: object) -> Page:
    """Open a page as a Korean browser does."""
    return open_page(path, user, language="ko", **options)


@pytest.mark.parametrize("width", [1440, 390])
def test_everybody_can_read_the_pages_in_korean(open_page: OpenPage, lived: Lived, width: int) -> None:
    for path in lived.paths:
        page = in_korean(open_page, path, lived.user, width=width)
        assert page.locator("html").get_attribute("lang") == "ko", path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(_BREAKABLE) == [], path
        assert accessibility_faults(page) == [], path
        page.context.close()


def test_what_is_stored_in_english_is_shown_in_korean(open_page: OpenPage, lived: Lived) -> None:
    page = in_korean(open_page, lived.running.get_absolute_url(), lived.user)
    steps = page.locator(".step-name")
    expect(steps).to_have_text(["클론", "데이터 가져오기", "train", "데이터 push"])
    page = in_korean(open_page, lived.failed.get_absolute_url(), lived.user)
    expect(page.get_by_role("alert")).to_contain_text("http://mlflow:5000의 MLflow에 연결할 수 없습니다.")
    page = in_korean(open_page, "/jobs/", lived.user)
    expect(page.locator(f"#job-row-{lived.queued.pk}")).to_contain_text("버전 등록")


def test_the_reader_can_choose_korean_in_the_settings(open_page: OpenPage) -> None:
    page = open_page("/settings/", make_user(Role.VIEWER))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_label("Language").select_option("ko")
    page.get_by_role("button", name="Save preferences").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("button", name="환경설정 저장")).to_be_visible()
