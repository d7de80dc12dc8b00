"""How values are written, and the HTML of the tags that write them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from config import badges, formatting, markup
from experiments import metric_goals
from experiments.file_sizes import file_size

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def rendered(source: str, *, path: str = "/runs/", **values: Any) -> str:
    """Render a template that loads the tags, for a request of `path`."""
    context = Context({"request": RequestFactory().get(path), **values})
    return Template("{% load interface %}" + source).render(context)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.968411, "0.9684"),
        (0.005231, "0.005231"),
        (0.9, "0.9000"),
        (1.0, "1.000"),
        (12.3456, "12.35"),
        (9.99996, "10.00"),
        (1234.56, "1,235"),
        (0.00001234, "1.234e−5"),  # noqa: RUF001
        (1.5e12, "1.500e12"),
        (-0.25, "−0.2500"),  # noqa: RUF001 - a real minus sign
        (0.0, "0"),
        (1797, "1,797"),
        (10**12, "1,000,000,000,000"),
        (float("nan"), "NaN"),
        (float("-inf"), "−∞"),  # noqa: RUF001
        (None, "–"),  # noqa: RUF001
    ],
)
def test_a_number_has_four_significant_digits(value: float | None, text: str) -> None:
    assert formatting.significant(value) == text


@given(st.floats(min_value=1e-4, max_value=9e8))
def test_the_written_number_is_the_number_to_four_digits(value: float) -> None:
    written = float(formatting.significant(value).replace(",", ""))
    assert abs(written - value) <= abs(value) * 5.01e-4


def test_a_difference_has_its_sign_and_zero_has_none() -> None:
    assert [formatting.signed(value) for value in (0.5, -0.5, 0)] == ["+0.5000", "−0.5000", "0"]  # noqa: RUF001


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.21, "3.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (90_000, "1 d 1 h"),
        (None, "–"),  # noqa: RUF001
    ],
)
def test_a_duration_names_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (999_500, "1.00 MB"), (12_345_678, "12.3 MB")],
)
def test_a_size_has_three_digits_and_a_decimal_unit(size: int, text: str) -> None:
    assert file_size(size) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=45), "45 seconds ago"),
        (timedelta(seconds=119), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=65), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(minutes=-5), "in 5 minutes"),
    ],
)
def test_a_moment_is_told_by_its_distance(ago: timedelta, text: str) -> None:
    assert formatting.relative_time(NOW - ago, NOW) == text


def test_a_version_is_bold_normal_and_muted() -> None:
    assert rendered("{% version '1.3.0-rc.1+build.7' %}") == (
        '<span class="version"><b>1.3.0</b><span class="version-pre">-rc.1</span>'
        '<span class="version-build">+build.7</span></span>'
    )
    assert rendered("{% version '1.3.0' %}") == '<span class="version"><b>1.3.0</b></span>'


def test_a_version_from_outside_is_escaped() -> None:
    assert "<script>" not in rendered("{% version v %}", v="<script>")


def test_a_metric_keeps_its_exact_value_for_hover_focus_and_copy() -> None:
    html = rendered("{% metric 0.96841123 %}")
    assert html == '<data class="metric" value="0.96841123" title="0.96841123" tabindex="0">0.9684</data>'
    assert "tabindex" not in rendered("{% metric 0.96841123 focus=False %}")
    assert "no value" in rendered("{% metric None %}")


@pytest.mark.parametrize(
    ("value", "baseline", "goal", "tolerance", "verdict"),
    [
        (0.98, 0.97, "max", 0.0, "better"),
        (0.006, 0.005, "min", 0.0, "worse"),
        (0.9701, 0.97, "max", 0.001, "same"),
        (0.98, 0.97, "", 0.0, "unjudged"),
        (float("nan"), 0.97, "max", 0.0, "unjudged"),
    ],
)
def test_a_difference_is_judged_by_the_goal_of_its_metric(
    value: float, baseline: float, goal: str, tolerance: float, verdict: str
) -> None:
    assert metric_goals.verdict(value, baseline, goal=goal, tolerance=tolerance) == verdict


def test_a_delta_says_its_judgement_in_words() -> None:
    html = rendered("{% delta 0.006 0.005 goal='min' %}")
    assert 'data-verdict="worse"' in html
    assert "+0.001000" in html
    assert "<span>worse</span>" in html


def test_a_stage_is_shown_whatever_its_case() -> None:
    for stage in ("Production", "production"):
        html = rendered("{% stage_badge stage %}", stage=stage)
        assert 'data-stage="production"' in html
        assert "<svg" in html
        assert "Production" in html


@pytest.mark.parametrize("kind", badges.KINDS)
def test_every_state_has_an_icon_that_exists_and_a_word(kind: str) -> None:
    for badge in (*badges.KINDS[kind].values(), *badges.STAGES.values()):
        assert "<svg" in markup.icon(badge.icon)
        assert str(badge.word)


def test_a_state_nobody_described_shows_its_own_name() -> None:
    assert "Half way" in rendered("{% job_state 'half_way' %}")


def test_a_gate_takes_a_verdict_or_a_word() -> None:
    for state, word in ((True, "Passed"), (False, "Failed"), (None, "Not checked yet"), ("waived", "Waived")):
        assert f"<span>{word}</span>" in rendered("{% gate_state state %}", state=state)


def test_a_digest_is_shortened_and_copied_whole() -> None:
    html = rendered("{% digest sha %}", sha="0123456789abcdef")
    assert ">0123456789ab</code>" in html
    assert 'data-copy="0123456789abcdef"' in html
    assert "button" not in rendered("{% digest sha copy=False %}", sha="0123456789abcdef")


def test_a_moment_carries_its_absolute_time() -> None:
    html = rendered("{% when moment %}", moment=timezone.now() - timedelta(hours=3))
    assert "3 hours ago" in html
    assert 'title="2' in html
    assert "UTC" in html


def test_a_figure_cannot_leave_its_script_element() -> None:
    html = rendered("{% chart_data figure 'c' %}", figure={"title": "</script><b>&"})
    assert html == (
        '<script type="application/json" id="c">'
        '{"title":"\\u003c/script\\u003e\\u003cb\\u003e\\u0026"}</script>'
    )


def test_the_query_keeps_what_is_not_replaced() -> None:
    html = rendered("{% query_replace page=2 q=None %}", path="/runs/?q=a&sort=-x&page=1")
    assert html == "?sort=-x&amp;page=2"


def test_a_heading_sorts_and_says_how_it_sorts_now() -> None:
    heading = "{% sort_header 'cer' 'val_cer' numeric=True %}"
    assert 'aria-sort="none"' in rendered(heading)
    assert 'href="?sort=-cer"' in rendered(heading)
    descending = rendered(heading, path="/runs/?sort=-cer&page=4")
    assert 'aria-sort="descending"' in descending
    assert 'href="?sort=cer"' in descending


def test_the_links_to_pages_keep_the_query_and_mark_this_page() -> None:
    page = Paginator(range(100), 10).page(3)
    html = rendered("{% page_links page %}", path="/runs/?q=x&page=3", page=page)
    assert "21–30 of 100" in html  # noqa: RUF001 - an en dash between numbers
    assert '<a href="?q=x&amp;page=3" aria-current="page">3</a>' in html
    assert 'rel="next" href="?q=x&amp;page=4"' in html


class SampleForm(forms.Form):
    """One field of each kind that the tag treats apart."""

    name = forms.CharField(help_text="How others call it")
    stage = forms.ChoiceField(choices=[("s", "Staging")], widget=forms.RadioSelect)
    agree = forms.BooleanField()


def test_a_field_ties_help_and_errors_to_its_control() -> None:
    html = rendered("{% field form.name %}", form=SampleForm({}))
    assert 'for="id_name"' in html
    assert 'class="form-control is-invalid"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'id="id_name_helptext"' in html


def test_radio_buttons_form_a_group_with_a_legend() -> None:
    html = rendered("{% field form.stage %}", form=SampleForm())
    assert "<legend" in html
    assert 'type="radio"' in html
    assert "form-check-input" in html


def test_an_empty_state_offers_one_action_and_one_command() -> None:
    html = rendered("{% empty_state 'No runs' action='Start one' url='/x/' command='dvc repro' %}")
    assert "No runs" in html
    assert 'href="/x/"' in html
    assert 'data-copy="dvc repro"' in html
