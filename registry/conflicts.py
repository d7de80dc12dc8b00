"""What operations on promotions raise when the world has moved on."""

from collections.abc import Iterable


class ConflictError(Exception):
    """What was asked no longer fits what is stored; the message says what changed.

    :ivar reasons: the same one by one, where there are several
    """

    def __init__(self, message: str, reasons: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)
