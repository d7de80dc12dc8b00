"""The report of a bundle that an insider with the key signed again: what it shows otherwise is named."""

import json

import pytest
from django.utils import timezone, translation

from accounts.roles import Role
from registry import comments, promotion
from tests.bundles import bundle_of, faults_of, make_registered, make_subject, members, rebuild, serve
from tests.people import make_user
from tests.promotions import set_rules
from tests.registry_story import full_metadata
from tests.trail import checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["checkpoint_folder"]


def test_what_the_report_shows_otherwise_or_besides_is_named() -> None:
    version = make_subject()
    whole = members(bundle_of(version, make_user(Role.AUDITOR, username="auditor")))
    assert faults_of(dict(whole)) == []
    text = whole["report.html"].decode()
    digest = json.loads(whole["version.json"])["manifest_digest"]
    for before, after, told in (
        ("<dd>Staging</dd>", "<dd>Production</dd>", "standing-title, row 1"),
        (digest, "0" * 64, "standing-title, row 1"),
        ("<code>approve</code>", "<code>reject</code>", "decisions-title, row 2"),
        ("<code>approved</code>", "<code>open</code>", "decisions-title, row 1"),
        ('<td class="fit">reviewer</td>', '<td class="fit">x</td>', "stages-title, row 1"),
        ("production-eu", "elsewhere", "served-title, row 1"),
        ("<code>within_tolerance</code>", "<code>identical</code>", "rebuilt-title, row 1"),
        ("0.01123", "0.001", "val_cer is '0.001', version.json says 0.01123"),
        ("c" * 64, "0" * 64, "artifacts-title, row 1"),
        ("b" * 32, "0" * 32, "origin-title, row 2"),
        (" UTC</time>", " KST</time>", "shows"),
        ("</section>", "</section>All is well.", "the product would not write 'All is well.' there"),
        ("</section>", "<script>x</script></section>", "the product would not write '<script>' there"),
        ("<td ", "<td hidden ", "the product would not write '<td>' there"),
        ("<dd>", '<dd style="color: white">', "the product would not write '<dd>' there"),
        ("</tbody>", "<tr><td>x</td><td>y</td></tr></tbody>", "a field of the metadata has no name"),
    ):
        assert before in text, before
        outcome = faults_of(whole | {"report.html": text.replace(before, after, 1).encode()})
        assert any(one.startswith("report.html: ") and told in one for one in outcome), (told, outcome)
    start = text.index('<tr><td class="fit">#')
    without = text[:start] + text[text.index("</tr>", start) + 5 :]
    outcome = faults_of(whole | {"report.html": without.encode()})
    assert "report.html: decisions-title has 1 rows, the other members 2" in outcome


def test_a_report_in_another_language_and_one_with_little_in_it_fit() -> None:
    auditor = make_user(Role.AUDITOR, username="auditor")
    with translation.override("ko"):
        assert faults_of(members(bundle_of(make_subject(), auditor))) == []
    assert faults_of(members(bundle_of(make_registered("2.0.0"), auditor))) == []


def test_a_row_where_the_members_have_none_is_named() -> None:
    whole = members(bundle_of(make_registered(), make_user(Role.AUDITOR, username="auditor")))
    text = whole["report.html"].decode()
    start = text.index("served-title")
    end = text.index("</section>", start)
    row = "<table><tbody><tr><td>shop</td><td>–</td></tr></tbody></table>"  # noqa: RUF001 - as it is shown
    for forged in (row, row + row):
        outcome = faults_of(whole | {"report.html": (text[:end] + forged + text[end:]).encode()})
        assert any("report.html: served-title has" in one for one in outcome), outcome


def test_of_metadata_that_cannot_be_read_any_more_the_report_shows_what_is_stored() -> None:
    stored = {
        "val_cer": 0.0125,
        "optimizer": "AdamW",
        "no_field": 1,
        "config_json": {"layers": [1, 2]},
    }
    whole = members(bundle_of(make_registered(metadata=stored), make_user(Role.AUDITOR, username="auditor")))
    assert faults_of(dict(whole)) == []
    text = whole["report.html"].decode()
    assert all(one in text for one in ("0.0125", "AdamW", "layers"))
    assert "report.html: val_cer is" in str(
        faults_of(whole | {"report.html": text.replace("0.0125", "0.5").encode()})
    )


@pytest.mark.parametrize(
    "text",
    [
        " \t\r\nof\u2028lines\x85and\x0btabs\n",
        "</td></tr><!-- --><tr hidden><td>&lt; &copy &#x27; <!DOCTYPE x> <?php ?>",
        "\u200f\u202ertl\u202c \ufeff\N{GRINNING FACE} {{ x }} {% y %}",
        "\u00a0",
    ],
)
def test_texts_of_any_kind_are_read_back_from_the_report_as_they_are(text: str) -> None:
    facts = full_metadata("1.0.0", optimizer=text, dataset_name=text, learning_rate=1e-7, epochs=2**53 - 1)
    version = make_registered(metadata=facts, reason=text, created_by=text[:40])
    set_rules()
    asked = promotion.open_for(version, "Staging", user=make_user(Role.ENGINEER), comment=text)
    reviewer = make_user(Role.REVIEWER)
    comments.add(asked, f"Well: {text}", user=reviewer)
    promotion.review(asked, "approve", user=reviewer, evidence_digest=asked.evidence_digest, comment=text)
    rebuild(version)
    serve(version, at=timezone.now())
    version.refresh_from_db()
    assert faults_of(members(bundle_of(version, make_user(Role.AUDITOR, username="auditor")))) == []
