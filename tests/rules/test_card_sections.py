"""Which sections a model card has, whatever words its headings use."""

import time

import pytest

from registry.card_sections import REQUIRED, missing
from tests.cards import COMPLETE, hub_cards

NAMES = [section.name for section in REQUIRED]


def test_a_complete_card_lacks_nothing() -> None:
    assert missing(COMPLETE) == ()


def test_an_empty_card_lacks_everything_in_order() -> None:
    assert missing("") == tuple(NAMES)
    assert NAMES == [
        "Intended use",
        "Out-of-scope use",
        "Training data",
        "Evaluation",
        "Limitations",
        "Bias and ethical considerations",
        "Owners",
        "Licence",
    ]


HEADINGS = {
    "Intended use": [
        "Uses",
        "Direct Use",
        "Downstream Use [optional]",
        "Intended Use",
        "Intended uses & limitations",
        "Primary intended users",
        "Evaluated Use",
        "Intended Use Cases 🚀",
        "사용 목적",
    ],
    "Out-of-scope use": [
        "Out-of-Scope Use",
        "Out of scope uses",
        "Misuse, Malicious Use, and Out-of-Scope Use",
        "범위 밖 사용",
    ],
    "Training data": [
        "Training Data",
        "Training Details",
        "Training dataset",
        "Pre-training data",
        "학습 데이터",
    ],
    "Evaluation": ["Evaluation", "Evaluation results", "Results", "Benchmarks", "Performance", "평가"],
    "Limitations": ["Limitations", "Bias, Risks, and Limitations", "Limitations and bias", "Caveats", "한계"],
    "Bias and ethical considerations": [
        "Bias, Risks, and Limitations",
        "Ethical Considerations",
        "Limitations and bias",
        "Responsibility & Safety",
        "편향 및 윤리적 고려 사항",
    ],
    "Owners": ["Model Card Contact", "Model Card Authors [optional]", "Owners", "Maintainers", "담당자"],
    "Licence": ["License", "Licence", "Licensing information", "라이선스"],
}


@pytest.mark.parametrize(
    ("name", "heading"), [(name, one) for name, some in HEADINGS.items() for one in some]
)
def test_common_headings_are_recognised(name: str, heading: str) -> None:
    assert name not in missing(f"## {heading}\n\nSomething with the number 1.\n")
    assert name not in missing(f"{heading}\n---\n\nSomething with the number 1.\n")
    assert name not in missing(f"<h2 align=center>{heading}</h2>\n\nSomething with the number 1.\n")


def test_numbers_before_headings_do_not_hide_them() -> None:
    assert "Intended use" not in missing("## 1.2. Uses\n\nReading.\n")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "   ",
        "<!-- Who uses it? -->",
        "[More Information Needed]",
        "To be added.",
        "TBD",
        "---",
        "{{ uses | default('x') }}",
        "<!-- never closed\n\nMuch text",
        "### Direct use\n\n[More Information Needed]\n\n### Downstream use\n",
    ],
)
def test_a_heading_alone_is_no_section(content: str) -> None:
    assert "Intended use" in missing(f"## Uses\n\n{content}\n\n## Next\n\nText\n")


def test_what_stands_under_smaller_headings_counts() -> None:
    assert "Intended use" not in missing("## Uses\n\n### On paper\n\nReading.\n")


def test_an_answer_to_another_question_does_not_count() -> None:
    assert "Intended use" in missing(
        "## Uses\n\n### Out-of-Scope Use\n\nNever that.\n\n#### More\n\nNor this.\n"
    )


def test_a_heading_in_code_is_none() -> None:
    assert "Intended use" in missing("```\n## Uses\n\nText\n```\n")


def test_an_evaluation_needs_a_number() -> None:
    assert "Evaluation" in missing("## Evaluation\n\nIt did well.\n")
    assert "Evaluation" not in missing("## Evaluation\n\nIt did well: {{ metrics.val_cer }}\n")


def test_a_licence_in_the_head_counts() -> None:
    assert "Licence" not in missing("---\nlicense: mit\n---\n# A\n")
    assert "Licence" in missing("---\nlicense:\n---\n# A\n")
    assert "Licence" in missing("---\nlicense: [\n---\n# A\n")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("- **Developed by:** the receipts team", "Owners"),
        ("**Model Developers** Example", "Owners"),
        ("**License:** mit", "Licence"),
        ("**Out-of-scope** Use that breaks the law.", "Out-of-scope use"),
    ],
)
def test_a_line_with_a_label_tells_it_too(line: str, name: str) -> None:
    assert name not in missing(f"# A\n\n{line}\n")


def test_a_label_with_a_filler_tells_nothing() -> None:
    assert "Owners" in missing("# A\n\n- **Developed by:** [More Information Needed]\n")


LACKING = {
    "chat_model": ("Training data",),
    "korean": (),
    "language_model": ("Out-of-scope use", "Owners"),
    "template_sections": ("Owners",),
    "speech_recognition": ("Out-of-scope use", "Owners"),
}


@pytest.mark.parametrize("name", LACKING)
def test_cards_like_those_of_the_hub_lack_what_they_lack(name: str) -> None:
    assert missing(hub_cards()[name]) == LACKING[name]


def test_a_placeholder_that_stands_for_nothing_is_missing_too() -> None:
    text = COMPLETE + "\n{{ metrics.wer }} and `{{ code }}`\n"
    known = {"model": "m", "metadata.dataset_name": "d", "metadata.dataset_hash": "h", "metrics.val_cer": 0.1}
    assert missing(text, known) == ("placeholder metrics.wer",)
    assert missing(text, {**known, "metrics.wer": 0.2}) == ()
    assert missing(text) == ()


@pytest.mark.parametrize(
    "piece",
    ["<!--", "# Uses\n", "**a:** ", "`", "<h1>", "{{ a }} ", "## Uses\n<!-- ", "- **License:** \n", "> "],
)
def test_hostile_text_is_judged_in_time(piece: str) -> None:
    start = time.process_time()
    missing(piece * (100_000 // len(piece)), {})
    assert time.process_time() - start < 8
