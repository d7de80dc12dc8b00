"""Operation: change the tags and the note of runs, archive them or take them back."""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from experiments import jobs, run_tags, sentences
from experiments.models import Job, Run
from experiments.selectors.run_matches import ACTIVE

KIND = "edit_runs"
MAX_RUNS = 1_000
_NAMED = 5


def submit(
    run_ids: Iterable[str],
    *,
    user: User,
    set_tags: Mapping[str, str] | None = None,
    delete_tags: Iterable[str] = (),
    note: str | None = None,
    archive: bool | None = None,
) -> Job:
    """Queue the job that writes the changes to MLflow and mirrors the runs; they show within seconds.

    :param run_ids: MLflow's ids, 1 to `MAX_RUNS`
    :param set_tags: key -> value; tags of MLflow's and of this product's own are refused
    :param delete_tags: keys; a run without such a tag is left as it is
    :param note: what people read about the runs (`mlflow.note.content`); empty takes it away, None leaves it
    :param archive: True leaves the runs out of tables unless asked for, False takes that back, None leaves it
    :raises PermissionDenied: `user` may not edit runs
    :raises ValidationError: by field: runs that are not there, tags that MLflow does not take, nothing to do
    """
    try:
        wanted = run_tags.changes(set_tags or {}, delete_tags, note=note, archive=archive)
    except run_tags.TagError as error:
        raise ValidationError({"tags": sentences.translated(str(error))}) from error
    payload = {"run_ids": _checked(run_ids), "set_tags": dict(wanted.put), "delete_tags": sorted(wanted.drop)}
    return jobs.submit(KIND, payload, user=user)


def _checked(run_ids: Iterable[str]) -> list[str]:
    wanted = sorted(set(run_ids))
    if not wanted:
        raise ValidationError({"runs": _("Choose at least one run.")})
    if len(wanted) > MAX_RUNS:
        too_many = _("At most %(limit)d runs can be edited at once.") % {"limit": MAX_RUNS}
        raise ValidationError({"runs": too_many})
    there = Run.objects.filter(run_id__in=wanted, lifecycle_stage=ACTIVE).values_list("run_id", flat=True)
    missing = sorted(set(wanted) - set(there))
    if missing:
        names = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise ValidationError({"runs": _("There are no such runs: %(runs)s.") % {"runs": names}})
    return wanted
