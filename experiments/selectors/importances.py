"""What is known of the importance of parameters for a metric."""

from dataclasses import dataclass

from experiments import importances
from experiments.importance_task import Task, task
from experiments.importances import Question
from experiments.job_states import JobState
from experiments.models import Job


@dataclass(frozen=True)
class Answer:
    """The answer to a question, or how far it is.

    :ivar task: which runs and parameters count
    :ivar job: that computes it or did; None: nobody has asked
    :ivar shares: parameter -> share of the variance explained, the largest first; empty until it is there
    """

    question: Question
    task: Task
    job: Job | None
    shares: list[tuple[str, float]]

    @property
    def is_waiting(self) -> bool:
        """Whether it will be there soon."""
        return self.job is not None and not JobState(self.job.state).is_terminal

    @property
    def is_there(self) -> bool:
        """Whether it has been computed."""
        return bool(self.shares)


def answer(asked: Question) -> Answer:
    """Return what is known. Two queries."""
    runs = importances.runs_of(asked)
    made = task([(run.metrics, run.params) for run in runs], asked.metric)
    job = Job.objects.filter(key=importances.key(asked, runs)).first() if runs else None
    shares = job.result.get("shares", {}) if job else {}
    return Answer(asked, made, job, sorted(shares.items(), key=lambda one: -one[1]))
