"""Filters that nobody means well: the page, its count, its exports, groups and REST answer all of them."""

from urllib.parse import quote, quote_from_bytes

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from experiments.models import Run
from tests.people import make_user
from tests.runs import make_measured_run

pytestmark = pytest.mark.django_db

#: Queries of one answer, whatever the filter: a part of it costs at most one, and parts are limited.
MOST_QUERIES = 40
ADDRESSES = (
    "/runs/?",
    "/runs/count/?",
    "/runs/export.csv?",
    "/runs/?group=params.optimizer&",
    "/runs/edit/?all=1&",
    "/api/v1/runs/?",
    "/api/v1/runs/groups/?group=params.optimizer&",
)
# Each is refused with a reason, or finds what it says.
HOSTILE = {
    "ten kilobytes of words": "x" * 10_000,
    "ten kilobytes of conditions": " or ".join(["metrics.val_cer < 1"] * 500),
    "deep nesting": "(" * 3_000 + "status = a" + ")" * 3_000,
    "fifty times not": "not (" * 29 + "status = a" + ")" * 29,
    "a filter that is long once it is in an address": "한" * 3_000,
    "fifty keys": " and ".join(f"metrics.k{number} is null" for number in range(50)),
    "a long list": f"params.optimizer in ({', '.join(['a'] * 200)})",
    "many wildcards": f"params.optimizer like '{'%a' * 500}'",
    "an unknown field": "experiment__owner__password = 'x'",
    "a connector of Django's": "_connector = 'OR 1=1'",
    "a look-up of Django's": "metrics.val_cer__run__user = 1",
    "SQL in a value": 'params.optimizer = "\'; DROP TABLE experiments_run; --"',
    "SQL in a key": "params.`a'; DROP TABLE experiments_run; --` = 'x'",
    "SQL instead of a filter": "1 = 1 UNION SELECT password FROM accounts_user",
    "a zero character": "name = 'a\0b'",
    "a zero character in a word": "a\0b",
    "half a surrogate pair": "name = '\ud800'",
    "half a surrogate pair in a key": "tags.`\udfff` = 1",
    "letters that are no characters": "name = '\uffff\ufdd0\u202e'",
    "a number beyond all": f"metrics.val_cer < 1{'0' * 400}",
    "a time beyond all": "start > 1e300",
    "a span beyond all": "duration > '999999999999999999w'",
    "a date that is none": "start > '2026-99-99'",
    "a whole number beyond the column": "experiment_id = 99999999999999999999999999",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_filter_makes_the_server_fail_or_work_without_end(client: Client, name: str) -> None:
    run = make_measured_run({"val_cer": 0.1}, params={"optimizer": "AdamW"})
    client.force_login(make_user(Role.ENGINEER))
    text = HOSTILE[name].encode("utf-8", "surrogatepass")
    for address in ADDRESSES:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(f"{address}q={quote_from_bytes(text)}")
            list(answer) if answer.streaming else answer.content
        assert answer.status_code in (200, 400, 422), address
        assert len(captured) <= MOST_QUERIES, address
    assert Run.objects.get().pk == run.pk


# MLflow's documentation, "Search Runs", with what its search does not know: `is null` for metrics, and `or`.
OF_MLFLOW = [
    "metrics.val_cer < 0.2",
    "metric.val_cer <= 0.1",
    "metrics.`val loss` = 2",
    'metrics."val loss" > 1.5',
    "params.optimizer = 'AdamW'",
    "params.optimizer != 'SGD'",
    "parameters.optimizer LIKE 'Adam%'",
    "param.optimizer ILIKE 'adam%'",
    "params.optimizer IS NOT NULL",
    "params.gone IS NULL",
    "tags.team = 'ocr' AND tags.`mlflow.source.name` = 'train.py'",
    "tags.\"mlflow.source.name\" ILIKE '%TRAIN%'",
    "tag.mlflow.source.name = 'train.py'",
    "tags.gone IS NULL",
    "attributes.status = 'FINISHED'",
    "attribute.status != 'FAILED'",
    "attr.run_name LIKE 'th%'",
    "attributes.`run name` = 'the run'",
    "run.status = 'FINISHED'",
    "run_name = 'the run'",
    "attributes.run_id IN ('{run_id}', 'x')",
    "run_id NOT IN ('x')",
    "attributes.start_time > 1664067852747 and attributes.end_time > 0",
    "user_id = 'colleague'",
    "artifact_uri LIKE '%'",
]


@pytest.mark.parametrize("text", OF_MLFLOW)
def test_what_mlflow_searches_by_is_understood(client: Client, text: str) -> None:
    run = make_measured_run(
        {"val_cer": 0.1, "val loss": 2},
        name="the run",
        user="colleague",
        params={"optimizer": "AdamW"},
        tags={"team": "ocr", "mlflow.source.name": "train.py"},
    )
    client.force_login(make_user(Role.VIEWER))
    answer = client.get(f"/api/v1/runs/?q={quote(text.format(run_id=run.run_id))}")
    assert [one["run_id"] for one in answer.json().get("results", [answer.json()])] == [run.run_id]
    other = client.get(f"/api/v1/runs/?q={quote(f'not ({text.format(run_id=run.run_id)})')}")
    assert other.json()["count"] == 0
