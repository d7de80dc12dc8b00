"""A program of its own: how much each parameter accounts for a metric. Run by a worker, which stays small so.

    python -P importance_program.py <task.json> <result.json>

The task names the values of the metric and, in the same order, those of each parameter. The method is fANOVA
(Hutter, Hoos, Leyton-Brown, 2014) as Optuna has it: a random forest learns the metric from the parameters,
and what a parameter alone explains of the variance of its predictions is its importance. All add up to one.
"""

import json
import sys
from pathlib import Path
from typing import Any

SEED = 0
TREES = 64


def importances(values: list[float], params: dict[str, list[float | str]]) -> dict[str, float]:
    """Return the share of each parameter, the largest first.

    :param values: the metric of each run
    :param params: parameter -> its value in each run: numbers, or texts
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spaces = {name: _space(column) for name, column in params.items()}
    study = optuna.create_study()
    for at, value in enumerate(values):
        given: dict[str, Any] = {name: column[at] for name, column in params.items()}
        study.add_trial(create_trial(params=given, distributions=spaces, value=value))
    evaluator = FanovaImportanceEvaluator(n_trees=TREES, seed=SEED)
    found = get_param_importances(study, evaluator=evaluator, params=sorted(params))
    return {name: float(share) for name, share in found.items()}


def _space(column: list[float | str]) -> Any:
    """Return the values that a parameter can have: numbers of one sign that span decades on a log scale."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if any(isinstance(value, str) for value in column):
        return CategoricalDistribution(sorted({str(value) for value in column}))
    numbers = [float(value) for value in column]
    low, high = min(numbers), max(numbers)
    return FloatDistribution(low, high, log=low > 0 and high / low >= 10)


def main(task: str, result: str) -> None:
    """Do the task of one file and write the result to another."""
    given = json.loads(Path(task).read_text(encoding="utf-8"))
    found = importances(given["values"], given["params"])
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
