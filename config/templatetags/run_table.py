"""The rows of the table of runs: a hundred of them with many cells, so they are written without a template.

Django's templates need some 30 ms for them, most of it to look up names; this takes a third.
"""

from collections.abc import Collection, Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config import markup
from experiments.models import Experiment, Run
from experiments.selectors.runs import Cell, RunRow

register = template.Library()


@register.simple_tag
def run_rows(rows: Iterable[RunRow], one_experiment: bool, picked: Collection[Run]) -> SafeString:
    """Return the rows of the table.

    :param one_experiment: all runs are of one experiment, so it has no column
    :param picked: runs that are chosen
    """
    # Few experiments and statuses are behind many rows.
    experiments: dict[int, tuple[str, str]] = {}
    statuses: dict[str, str] = {}
    ticked = {run.run_id for run in picked}
    choose = escape(_("Choose %s"))
    parts: list[str] = []
    for row in rows:
        run = row.run
        if not one_experiment and run.experiment_id not in experiments:
            experiments[run.experiment_id] = _experiment(run.experiment)
        if run.status not in statuses:
            statuses[run.status] = markup.run_status(run.status)
        name, user = escape(str(run)), escape(run.user)
        experiment = "" if one_experiment else str(run.pk).join(experiments[run.experiment_id])
        parts.append(
            f'\n<tr id="run-row-{run.pk}" tabindex="-1">'
            f'<td class="run-pick"><input type="checkbox" class="form-check-input" name="runs"'
            f' form="run-selection" value="{escape(run.run_id)}" data-pick="{name}"'
            f' aria-label="{choose.replace("%s", name)}"{" checked" * (run.run_id in ticked)}></td>'
            f'<td class="run-name"><a href="{escape(run.get_absolute_url())}" id="run-link-{run.pk}"'
            f' class="truncate" title="{name}" data-row-link>{name}</a></td>{experiment}'
            f'<td class="fit">{statuses[run.status]}</td>'
            f'<td class="fit">{markup.when(run.started_at, focus=False)}</td>'
            f'<td class="num fit">{markup.duration(row.duration)}</td>'
            f'<td><span class="truncate run-user" title="{user}">{user or "–"}</span></td>'  # noqa: RUF001
            f"{''.join(map(_cell, row.cells))}</tr>"
        )
    return mark_safe("".join(parts))  # noqa: S308 - every value is escaped above


def _experiment(experiment: Experiment) -> tuple[str, str]:
    """Return the cell of an experiment, cut where the key of the run belongs."""
    name, address = escape(experiment.name), escape(experiment.get_absolute_url())
    return (
        '<td class="run-experiment"><a class="truncate" id="run-experiment-',
        f'" href="{address}" title="{name}">{name}</a></td>',
    )


def _cell(cell: Cell) -> str:
    if cell.is_metric:
        return f'<td class="num">{markup.metric(cell.value, focus=False)}</td>'
    text = "" if cell.value is None else escape(str(cell.value))
    shown = markup.no_value() if cell.value is None else text
    return f'<td><span class="truncate run-param" title="{text}">{shown}</span></td>'
