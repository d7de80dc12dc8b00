"""Model cards of the demo: the template of the product, filled in by the demo's engineer."""

from accounts.models import User
from registry import card
from registry.models import CardRevision, ModelVersion

# Comment of the template -> what stands there instead.
_ANSWERS = {
    "One or two sentences: what does this model do?": (
        "Reads handwritten receipt amounts of three to seven digits from small grey images."
    ),
    "Who uses the model, for what, and on which inputs?": (
        "Bookkeeping, to fill in the amounts of scanned receipts before a person checks them. Inputs are "
        "images of one line, 16 x 80 pixels, dark ink on white paper."
    ),
    "What must it not be used for? Where does it fail?": (
        "Payments without a person's check; anything but digits (no separators, no currency signs); amounts "
        "of more than seven digits."
    ),
    "Known weaknesses, conditions under which the numbers above do not hold.": (
        "Training and validation amounts were written by the same 13 people, so amounts written by others "
        "are read less well than the numbers say. They are composed from single digits, not photographed."
    ),
    "Whom could errors harm? Who is missing from the data? What was done about it?": (
        "A misread amount costs whoever is paid too little. Only 13 writers are in the data, and nothing is "
        "known about them; a person checks every amount until receipts of the company itself are measured."
    ),
    "Who answers questions about this model and takes it out of service?": (
        "The receipt team (receipt-team@localhost)."
    ),
    (
        "Write the licence here or, better, as `license:` into the head of this card, for example apache-2.0."
    ): "Model: Apache-2.0. Scans: CC BY 4.0 (Alpaydin and Kaynak, UCI Machine Learning Repository, 1998).",
}


def ensure(version: ModelVersion, *, author: User, reviewer: User) -> None:
    """Have a complete and approved card for `version`, whatever was done before.

    :param author: fills it in and submits it
    :param reviewer: approves it
    """
    current = card.newest(version) or card.start_by_hand(version, user=author)
    text = filled(current.text)
    if text != current.text:
        summary = "Fill in use, limitations and owners"
        current = card.save(version, text, user=author, based_on=current.number, summary=summary)
    if current.state == CardRevision.State.DRAFT:
        current = card.submit(version, user=author, number=current.number)
    if current.state == CardRevision.State.IN_REVIEW:
        card.approve(version, user=reviewer, number=current.number)


def filled(text: str) -> str:
    """Return the card with the answers in the places of the questions."""
    for question, answer in _ANSWERS.items():
        text = text.replace(f"<!-- {question} -->", answer)
    return text
