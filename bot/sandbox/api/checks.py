"""Check runs, which only Apps write."""

import dataclasses
from collections.abc import Mapping

from bot.sandbox.answers import Answer, Refusal, invalid, not_listed, page_of
from bot.sandbox.api.call import Call
from bot.sandbox.records import Annotation, Button, CheckRun

_STATUSES = ("queued", "in_progress", "completed")
_CONCLUSIONS = (*("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"),)
_LEVELS = ("notice", "warning", "failure")
ANNOTATIONS_LIMIT = 50
BUTTONS_LIMIT = 3
_TEXT_LIMIT = 65_535
#: Of an action's fields.
_BUTTON_LIMITS = {"label": 20, "description": 40, "identifier": 20}


def create_check_run(call: Call) -> Answer:
    """A new check run of a commit, also where it has one of this name already."""
    head = call.required_text("CheckRun", "head_sha")
    if head not in call.state.commits:
        raise Refusal(422, f"No commit found for SHA: {head}")
    run = CheckRun(
        id=call.state.next_id(),
        repository_id=call.repository.id,
        name=call.required_text("CheckRun", "name"),
        head_sha=head,
        status="queued",
        started_at=call.sandbox.clock(),
    )
    run = call.sandbox.checks.add(_changed(call, run))
    shape = call.sandbox.checks.shape(run)
    return Answer(status=201, body=shape, headers={"Location": str(shape["url"])})


def update_check_run(call: Call) -> Answer:
    """Another state or output. Annotations come to those that are there."""
    run = _run(call)
    changed = dataclasses.replace(run, name=call.text("CheckRun", "name") or run.name)
    changed = call.sandbox.checks.change(run, _changed(call, changed))
    return Answer(body=call.sandbox.checks.shape(changed))


def get_check_run(call: Call) -> Answer:
    """One check run."""
    return Answer(body=call.sandbox.checks.shape(_run(call)))


def list_annotations(call: Call) -> Answer:
    """A check run's annotations, oldest first."""
    run = _run(call)
    return page_of(
        run.annotations,
        lambda each: call.sandbox.checks.annotation(run, each),
        url=call.url,
        query=call.query,
    )


def list_check_runs(call: Call) -> Answer:
    """A commit's check runs, newest first; of each name the newest unless `filter` is `all`."""
    query = call.query
    commit = call.state.commit_at(call.repository, call.path["ref"])
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {call.path['ref']}")
    newest_only = query.get("filter", "latest") != "all"
    found = [
        run
        for run in call.sandbox.checks.of(call.repository.full_name, commit.sha, newest_only=newest_only)
        if query.get("check_name") in (None, run.name)
        and query.get("status") in (None, run.status)
        and query.get("app_id") in (None, str(call.sandbox.app.id))
    ]
    return page_of(
        found,
        call.sandbox.checks.shape,
        url=call.url,
        query=query,
        within=lambda shaped: {"total_count": len(found), "check_runs": shaped},
    )


def _run(call: Call) -> CheckRun:
    return call.state.check_run(call.repository, int(call.path["check_run_id"]))


def _changed(call: Call, run: CheckRun) -> CheckRun:
    status, conclusion = call.text("CheckRun", "status"), call.text("CheckRun", "conclusion")
    if status not in (None, *_STATUSES):
        raise not_listed("CheckRun", "status")
    if conclusion not in (None, *_CONCLUSIONS):
        raise not_listed("CheckRun", "conclusion")
    if status == "completed" and conclusion is None:
        raise invalid("CheckRun", "conclusion", "conclusion is missing", code="missing_field")
    if conclusion is not None:
        # GitHub completes what has a conclusion, whatever status is named.
        run = dataclasses.replace(
            run, status="completed", conclusion=conclusion, completed_at=call.sandbox.clock()
        )
    elif status is not None:
        run = dataclasses.replace(run, status=status, conclusion=None, completed_at=None)
    if "actions" in call.fields:
        run = dataclasses.replace(run, buttons=_buttons(call.fields["actions"]))
    if "output" in call.fields:
        run = _with_output(run, call.fields["output"])
    return dataclasses.replace(
        run,
        details_url=call.text("CheckRun", "details_url") or run.details_url,
        external_id=call.text("CheckRun", "external_id") or run.external_id,
    )


def _with_output(run: CheckRun, output: object) -> CheckRun:
    if not isinstance(output, dict):
        raise invalid("CheckRun", "output", "output must be an object", code="invalid")
    for name in ("title", "summary", "text"):
        value = output.get(name, run.title if name == "title" else "")
        if not isinstance(value, str) or (name == "summary" and "summary" not in output):
            raise invalid("CheckRun", name, f"{name} is missing", code="missing_field")
        if len(value) > _TEXT_LIMIT:
            raise invalid("CheckRun", name, f"{name} is too long (maximum is {_TEXT_LIMIT} characters)")
    given = output.get("annotations", [])
    if not isinstance(given, list) or len(given) > ANNOTATIONS_LIMIT:
        raise invalid(
            "CheckRun", "annotations", f"annotations exceeds a maximum quantity of {ANNOTATIONS_LIMIT}"
        )
    return dataclasses.replace(
        run,
        title=output.get("title", run.title),
        summary=output["summary"],
        text=output.get("text", run.text),
        annotations=(*run.annotations, *(_annotation(each) for each in given)),
    )


def _annotation(given: Mapping[str, object]) -> Annotation:
    def field(name: str, kind: type, *, required: bool = False) -> object:
        value = given.get(name)
        if (value is None and required) or not isinstance(value, (kind, type(None))):
            raise invalid("CheckRun", "annotations", f"{name} is invalid", code="invalid")
        return value

    path, message = field("path", str, required=True), field("message", str, required=True)
    start, end = field("start_line", int, required=True), field("end_line", int, required=True)
    level = field("annotation_level", str, required=True)
    columns = field("start_column", int), field("end_column", int)
    assert isinstance(start, int)
    assert isinstance(end, int)
    if level not in _LEVELS or not 1 <= start <= end or (start != end and columns != (None, None)):
        raise invalid("CheckRun", "annotations", "annotations is invalid", code="invalid")
    if len(str(message)) > 64 * 1024:
        raise invalid("CheckRun", "annotations", "message exceeds a maximum size of 64 KB")
    return Annotation(
        path=str(path),
        start_line=start,
        end_line=end,
        level=str(level),
        message=str(message),
        title=field("title", str),  # type: ignore[arg-type] # a text or None
        raw_details=field("raw_details", str),  # type: ignore[arg-type] # a text or None
        start_column=columns[0],  # type: ignore[arg-type] # a number or None
        end_column=columns[1],  # type: ignore[arg-type] # a number or None
    )


def _buttons(given: object) -> tuple[Button, ...]:
    if not isinstance(given, list) or len(given) > BUTTONS_LIMIT:
        raise invalid("CheckRun", "actions", f"actions exceeds a maximum quantity of {BUTTONS_LIMIT}")
    for each in given:
        for name, limit in _BUTTON_LIMITS.items():
            if not isinstance(each.get(name), str) or len(each[name]) > limit:
                message = f"{name} is too long (maximum is {limit} characters)"
                raise invalid("CheckRun", "actions", message)
    return tuple(Button(**{name: each[name] for name in _BUTTON_LIMITS}) for each in given)
