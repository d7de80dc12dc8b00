"""The one signal by which news of jobs travels to the apps that this app must not know."""

from django.dispatch import Signal

# Sent after the transaction that brought a job to a terminal state, in the process that did it (a worker, the
# dispatcher, or the web process for a job cancelled while it waited). Arguments: `job`, as it was committed.
# Receivers must be quick and idempotent; what they raise is logged and goes no further.
job_finished = Signal()
