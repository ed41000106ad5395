from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given

from bot.render import escape, findings
from bot.render.findings import File
from tests.unit.render.hostile import hostile
from workorders.migration.hazards import HAZARDS
from workorders.migration.hazards.linting import lint
from workorders.migration.names import quoted

SCRIPT = """-- lockkeeper: allow drop-table because it was copied
DROP TABLE a;

CREATE INDEX ON orders (id);
ALTER TABLE orders ADD COLUMN x int;
-- lockkeeper: allow truncate because x
SELECT 1;
-- lockkeeper: nonsense
"""
FILE = File(path="db/0001, a: b.sql", linted=lint(SCRIPT))
UNREADABLE = File(path="/srv/no sql.sql", linted=lint("\nALTER TABEL t;"))


def test_text_has_a_line_for_each_with_its_way_out_and_what_is_allowed() -> None:
    lines = list(findings.text((FILE, UNREADABLE)))

    assert lines[0].startswith("db/0001, a: b.sql:8:1: `nonsense` is not understood.")
    assert lines[1].startswith("db/0001, a: b.sql:2: drop-table: a: ")
    assert lines[2] == "    allowed because it was copied"
    assert lines[3].startswith("db/0001, a: b.sql:2: note: no-lock-timeout: ")
    assert lines[5].startswith("db/0001, a: b.sql:4: create-index: orders: ")
    assert lines[6].startswith("    way out: CREATE INDEX CONCURRENTLY")
    assert lines[7].startswith("db/0001, a: b.sql:6: the allowance of truncate allows nothing")
    assert lines[8].startswith("/srv/no sql.sql:2:7: ")
    assert lines[9:] == ["2 files, 1 hazard, 1 allowed, 2 not readable."]


def test_json_is_one_object_with_all_of_it() -> None:
    content = json.loads(findings.as_json((FILE, UNREADABLE)))

    assert [(each["line"], each["hazard"], each["allowed_because"]) for each in content["findings"]] == [
        (2, "drop-table", "it was copied"),
        (2, "no-lock-timeout", None),
        (4, "create-index", None),
    ]
    assert [each["hazard"] for each in content["unused_allowances"]] == ["truncate"]
    assert [(each["path"], each["line"], each["column"]) for each in content["problems"]] == [
        (FILE.path, 8, 1),
        (UNREADABLE.path, 2, 7),
    ]


def test_sarif_has_what_its_schema_and_code_scanning_require() -> None:
    log = json.loads(findings.sarif((FILE, UNREADABLE)))

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "lockkeeper"
    assert [rule["id"] for rule in rules] == [hazard.id for hazard in HAZARDS]
    assert all(
        rule[part]["text"] for rule in rules for part in ("shortDescription", "fullDescription", "help")
    )
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("warning", "note")
        assert _place(result)["region"]["startLine"] >= 1
    assert [result.get("suppressions") for result in run["results"]] == [
        [{"kind": "inSource", "justification": "it was copied"}],
        None,
        None,
    ]
    assert _place(run["results"][0])["artifactLocation"] == {"uri": "db/0001%2C%20a%3A%20b.sql"}
    (invocation,) = run["invocations"]
    told = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] is False
    assert [each["level"] for each in told] == ["error", "error", "note"]
    assert _place(told[1])["artifactLocation"] == {"uri": "file:///srv/no%20sql.sql"}


def _place(result: dict[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = result["locations"][0]["physicalLocation"]
    return place


def test_workflow_commands_name_file_line_and_kind() -> None:
    lines = list(findings.github((FILE, UNREADABLE)))

    path = "db/0001%2C a%3A b.sql"
    assert [line.split("::")[1].rpartition(",title=")[0] for line in lines] == [
        f"error file={path},line=8,col=1",
        f"notice file={path},line=2",
        f"notice file={path},line=2",
        f"warning file={path},line=4",
        f"notice file={path},line=6",
        "error file=/srv/no sql.sql,line=2,col=7",
    ]
    assert "%0AWay out: CREATE INDEX CONCURRENTLY" in lines[3]


@given(hostile)
def test_no_name_ends_a_workflow_command_or_a_line(name: str) -> None:
    sql = name.replace("\0", "").encode(errors="replace").decode() or "x"
    linted = lint(f"CREATE INDEX ON {quoted(sql)} (id);\nDROP TABLE {quoted(sql)};")
    file = File(path=name.replace("\ud800", "?"), linted=linted)

    for line in findings.github((file,)):
        command = re.fullmatch(r"::(\w+) ((?:\w+=[^,:\r\n]*)(?:,\w+=[^,:\r\n]*)*)::([^\r\n]*)", line)
        assert command, line
        assert {"file", "title"} <= {each.split("=")[0] for each in command[2].split(",")}
    assert all(each == escape.visible(each) for each in findings.text((file,)))
    assert json.loads(findings.as_json((file,)))
