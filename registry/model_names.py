"""Rules: the names that registered models may have. No database, no Django."""

NAME_LIMIT = 200
#: MLflow addresses models as models:/name/version and models:/name@alias; our pages have them in addresses.
FORBIDDEN = "/:@%"


def problem_of(name: str) -> str:
    """Return why a model cannot be called `name` (an English sentence); empty if it can."""
    if not name.strip() or len(name) > NAME_LIMIT or name != name.strip() or not name.isprintable():
        return f"A model's name has at most {NAME_LIMIT} printable characters, no blank at its ends."
    if any(character in FORBIDDEN for character in name):
        return "A model's name cannot contain any of / : @ and the percent sign."
    # An address cannot hold them as one of its steps.
    return "A model cannot be called by dots alone." if name in {".", ".."} else ""
