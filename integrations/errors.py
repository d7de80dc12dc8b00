"""The one error that adapters raise for trouble with an outside system."""

from __future__ import annotations


class IntegrationError(Exception):
    """An outside system (Git, DVC, MLflow, storage) did not do what was asked.

    Parameters
    ----------
    message:
        One sentence for a person; shown in job logs and API answers.
    permanent:
        ``True`` when repeating the same call cannot succeed (unknown reference, invalid input);
        ``False`` when waiting and retrying may help (time limit, connection refused).
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling, which by default forgets keyword-only arguments."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(
    kind: type[IntegrationError], args: tuple[object, ...], state: dict[str, object]
) -> IntegrationError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
