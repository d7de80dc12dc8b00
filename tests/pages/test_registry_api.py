"""The REST interface of models and versions: what can be read, and by whom."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from accounts.models import User
from registry import promotion
from tests.pages import rest, signed_in
from tests.pages.rest import API, EVERYBODY, VERSION, assert_problem
from tests.people import client_of, make_user
from tests.promotions import bring
from tests.versions import make_model, make_version

pytestmark = pytest.mark.django_db
policies, engineer, client = rest.policies, signed_in.engineer, signed_in.client


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/models/",
        f"{API}/models/receipt-ocr/",
        f"{API}/models/receipt-ocr/production/",
        f"{API}/models/receipt-ocr/versions/",
        VERSION,
        f"{VERSION}metadata/",
        f"{VERSION}files/",
        f"{VERSION}history/",
        f"{API}/promotions/",
        "/api/schema/",
        "/api/docs/",
    ],
)
def test_every_address_that_reads_answers_every_role_and_nobody_else(path: str) -> None:
    make_version()
    assert Client().get(path).status_code in (302, 401, 403)
    for role in EVERYBODY:
        user = make_user(role) if role else make_user()
        assert client_of(user).get(path).status_code == (200 if role else 403)


def test_a_token_signs_in(engineer: User) -> None:
    _row, plain = tokens.create(engineer, "ci")
    make_model()
    assert Client().get(f"{API}/models/", headers={"Authorization": f"Token {plain}"}).status_code == 200
    refused = Client().get(f"{API}/models/", headers={"Authorization": "Token stg_wrong"})
    assert_problem(refused, 401)


def test_models_say_what_is_in_their_stages(client: Client) -> None:
    make_version("1.0.0", stage="Production")
    make_version("1.1.0", stage="Staging")
    make_version("1.10.0-rc1")
    (row,) = client.get(f"{API}/models/").json()["results"]
    assert row["production"] == "1.0.0"
    assert row["staging"] == ["1.1.0"]
    assert row["latest"] == "1.10.0-rc1"
    assert row["versions"] == 3
    assert client.get(f"{API}/models/receipt-ocr/").json() == row
    assert client.get(f"{API}/models/?q=nothing").json()["count"] == 0


def test_a_name_that_is_part_of_another_names_one_model(client: Client) -> None:
    make_version("1.0.0", model="ocr")
    make_version("2.0.0", model="a-ocr")
    assert client.get(f"{API}/models/ocr/").json()["latest"] == "1.0.0"


def test_versions_come_newest_first_and_in_pages(client: Client) -> None:
    for number in ("1.9.0", "1.10.0-rc2", "1.10.0", "1.10.0-rc10"):
        make_version(number)
    path = f"{API}/models/receipt-ocr/versions/"
    first = client.get(path + "?page_size=3").json()
    assert [row["version"] for row in first["results"]] == ["1.10.0", "1.10.0-rc10", "1.10.0-rc2"]
    assert [row["version"] for row in client.get(first["next"]).json()["results"]] == ["1.9.0"]


def test_a_version_is_named_by_either_number(client: Client) -> None:
    version = make_version("1.3.0-rc.1+cpu", mlflow_version=41)
    for name in ("1.3.0-rc.1%2Bcpu", "41"):
        body = client.get(f"{API}/models/receipt-ocr/versions/{name}/").json()
        assert body["version"] == version.version
        assert body["mlflow_version"] == 41
        assert body["model"] == "receipt-ocr"


def test_metadata_files_and_history_of_a_version(client: Client, engineer: User) -> None:
    version = make_version()
    bring(version, "Staging", engineer=engineer)
    assert client.get(f"{VERSION}metadata/").json() == version.metadata
    assert client.get(f"{VERSION}files/").json() == version.manifest
    (event,) = client.get(f"{VERSION}history/").json()
    assert (event["from_stage"], event["to_stage"]) == ("Development", "Staging")


@pytest.mark.parametrize(
    "path",
    [
        "/models/none/",
        "/models/none/production/",
        "/models/none/versions/",
        "/models/receipt-ocr/versions/9.9.9/",
        "/models/receipt-ocr/versions/99999999999999999999/",
        "/models/receipt-ocr/versions/9.9.9/metadata/",
        "/models/receipt-ocr/versions/9.9.9/files/",
        "/models/receipt-ocr/versions/9.9.9/history/",
        "/promotions/999/",
    ],
)
def test_what_does_not_exist_is_a_404_problem(client: Client, path: str) -> None:
    make_model()
    assert_problem(client.get(API + path), 404)


@pytest.mark.parametrize("path", ["/models/", "/models/receipt-ocr/versions/", "/promotions/"])
def test_queries_do_not_grow_with_the_rows(client: Client, engineer: User, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(API + path).status_code == 200
        return len(captured)

    promotion.open_for(make_version("1.0.0"), "Staging", user=engineer)
    make_version("1.0.1", stage="Production")
    few = queries()
    for minor in range(1, 9):
        promotion.open_for(make_version(f"1.{minor}.0"), "Staging", user=engineer)
        make_version("1.0.0", model=f"model-{minor}", stage="Production")
    assert queries() == few
    assert few <= 12
