from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.app import create_app
from bot.github.signature import signature
from bot.services import Services
from bot.settings import Settings

SECRET = "It's a Secret"


@pytest.fixture
def client(services: Services) -> Iterator[FlaskClient]:
    with create_app(services).test_client() as client:
        yield client


def sent(
    client: FlaskClient, body: bytes = b'{"zen": 1}', changes: dict[str, str] | None = None
) -> TestResponse:
    headers = {
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-GitHub-Event": "ping",
        "X-Hub-Signature-256": signature(body, SECRET),
        "Content-Type": "application/json",
    }
    return client.post("/webhook", data=body, headers=headers | (changes or {}))


def counted(services: Services) -> dict[str, int]:
    with services.pool.transaction() as ours:
        found = ours.execute(
            "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM procrastinate_jobs)"
        ).fetchone()
    assert found is not None
    return {"deliveries": found[0], "jobs": found[1]}


def test_a_delivery_is_stored_with_a_job_before_it_is_answered(
    client: FlaskClient, services: Services
) -> None:
    response = sent(client)

    assert response.status_code == 202
    assert counted(services) == {"deliveries": 1, "jobs": 1}


def test_the_same_guid_twice_is_one_delivery_and_one_job(client: FlaskClient, services: Services) -> None:
    sent(client)

    response = sent(client)

    assert response.status_code == 202
    assert response.json == {"delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "is_new": False}
    assert counted(services) == {"deliveries": 1, "jobs": 1}


@pytest.mark.parametrize("header", ["", "sha256=00", "sha1=aa", "sha256=é", signature(b'{"zen": 1}', "old")])
def test_what_is_not_signed_with_the_secret_is_turned_away(
    client: FlaskClient, services: Services, header: str
) -> None:
    response = sent(client, changes={"X-Hub-Signature-256": header})

    assert response.status_code == 401
    assert counted(services) == {"deliveries": 0, "jobs": 0}


def test_a_signature_of_other_bytes_does_not_count(client: FlaskClient) -> None:
    response = sent(client, b'{"zen": 2}', changes={"X-Hub-Signature-256": signature(b'{"zen": 1}', SECRET)})

    assert response.status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"zen", b"[1]", b'{"a": NaN}', b"\xff", b'{"a":' + b"[" * 100_000, b'{"a": "\x00"}']
)
def test_what_is_no_json_object_is_refused(client: FlaskClient, services: Services, body: bytes) -> None:
    response = sent(client, body)

    assert response.status_code == 400
    assert counted(services) == {"deliveries": 0, "jobs": 0}


def test_half_a_surrogate_and_a_nul_in_json_are_stored(client: FlaskClient, services: Services) -> None:
    response = sent(client, json.dumps({"body": "\ud800 \x00"}).encode())

    assert response.status_code == 202
    assert counted(services)["deliveries"] == 1


@pytest.mark.parametrize("name", ["X-GitHub-Delivery", "X-GitHub-Event"])
def test_a_delivery_without_its_name_is_refused(client: FlaskClient, name: str) -> None:
    assert sent(client, changes={name: ""}).status_code == 400
    assert sent(client, changes={name: "a b"}).status_code == 400


def test_a_body_over_the_limit_is_refused(settings: Settings) -> None:
    with Services.open(replace(settings, payload_limit_bytes=100)) as services:
        client = create_app(services).test_client()

        response = sent(client, b'{"a": "' + b"x" * 100 + b'"}')

        assert response.status_code == 413
        assert counted(services)["deliveries"] == 0


def test_without_a_secret_nothing_is_accepted(settings: Settings) -> None:
    with Services.open(replace(settings, webhook_secret=None, app_id=None)) as services:
        client = create_app(services).test_client()

        assert sent(client, changes={"X-Hub-Signature-256": signature(b'{"zen": 1}', "")}).status_code == 401


def test_health_says_that_ours_answers(client: FlaskClient) -> None:
    response = client.get("/health")

    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_nothing_else_is_there(client: FlaskClient) -> None:
    assert client.get("/").status_code == 404
    assert client.get("/webhook").status_code == 405


def test_a_fault_of_ours_is_answered_with_a_reference(client: FlaskClient, services: Services) -> None:
    with services.pool.transaction() as ours:
        ours.execute("ALTER TABLE deliveries RENAME TO elsewhere")

    response = sent(client)

    assert response.status_code == 500
    assert response.json is not None
    assert len(response.json["reference"]) == 8
