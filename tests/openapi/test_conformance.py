import pytest

from tests.openapi.conformance import Conformance, Mismatch

LABEL = {
    "id": 1,
    "node_id": "LA_1",
    "url": "https://example.com/1",
    "name": "wo:done",
    "description": None,
    "color": "ededed",
    "default": False,
}


@pytest.fixture(scope="module")
def description() -> Conformance:
    return Conformance()


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/repos/o/r/issues", {"state": "all", "per_page": 100}, None),
        ("GET", "/repos/o/r/contents/db/migrations/0001.sql", {"ref": "main"}, None),
        ("POST", "/repos/o/r/issues", None, {"title": "x", "labels": ["a"]}),
        ("POST", "/repos/o/r/issues/1/labels", None, ["a"]),
        ("POST", "/repos/o/r/issues/1/labels", None, {"labels": ["a"]}),
        ("DELETE", "/repos/o/r/issues/1/labels/wo:a/b", None, None),
        ("PATCH", "/repos/o/r/issues/1", None, {"state_reason": None}),
    ],
)
def test_described_request_passes(
    description: Conformance, method: str, path: str, query: dict[str, object] | None, body: object
) -> None:
    description.check_request(method, path, query, body)


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "words"),
    [
        ("GET", "/repos/o/r/isues", None, None, "has no GET"),
        ("PUT", "/repos/o/r/issues", None, None, "has no PUT"),
        ("GET", "/repos/o/r/issues/one", None, None, "issue_number"),
        ("GET", "/repos/o/r/issues", {"pages": 1}, None, "no query pages"),
        ("GET", "/repos/o/r/issues", {"state": "done"}, None, "'done' is not one of"),
        ("POST", "/repos/o/r/issues", None, {"title": "x", "labls": []}, "no field labls"),
        ("POST", "/repos/o/r/issues", None, {"body": "x"}, "'title' is a required property"),
        ("POST", "/repos/o/r/issues", None, {"title": "x", "body": 3}, "3 is not of type 'string'"),
        ("POST", "/repos/o/r/issues", None, None, "Missing required request body"),
        ("POST", "/repos/o/r/issues/1/reactions", None, {"content": "shrug"}, "'shrug' is not one of"),
    ],
)
def test_request_that_is_not_described_is_a_mismatch(
    description: Conformance,
    method: str,
    path: str,
    query: dict[str, object] | None,
    body: object,
    words: str,
) -> None:
    with pytest.raises(Mismatch, match=words):
        description.check_request(method, path, query, body)


def test_described_answer_passes(description: Conformance) -> None:
    description.check_response("GET", "/repos/o/r/labels/wo:done", 200, LABEL)
    description.check_response("GET", "/repos/o/r/labels/wo:done", 404, {"message": "Not Found"})
    description.check_response("GET", "/repos/o/r/labels/wo:done", 401, {"message": "Bad credentials"})
    description.check_response("DELETE", "/repos/o/r/issues/comments/1", 204)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, {**LABEL, "color": None}, "color"),
        (200, {name: LABEL[name] for name in LABEL if name != "node_id"}, "'node_id' is a required property"),
        (200, None, "without a body"),
        (201, LABEL, "never answers 201"),
        (401, {}, "without a message"),
    ],
)
def test_answer_that_is_not_described_is_a_mismatch(
    description: Conformance, status: int, body: object, words: str
) -> None:
    with pytest.raises(Mismatch, match=words):
        description.check_response("GET", "/repos/o/r/labels/wo:done", status, body)
