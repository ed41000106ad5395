"""Labels of a repository and of its issues."""

import dataclasses

from bot.sandbox.answers import Answer, Refusal, invalid, page_of
from bot.sandbox.api.call import Call
from bot.sandbox.api.issues import label_names
from bot.sandbox.records import Issue


def list_labels(call: Call) -> Answer:
    """The repository's labels."""
    return page_of(call.state.labels_of(call.repository), call.shapes.label, url=call.url, query=call.query)


def create_label(call: Call) -> Answer:
    """A new label."""
    label = call.sandbox.actions.create_label(
        call.repository,
        call.required_text("Label", "name"),
        color=call.text("Label", "color") or "ededed",
        description=call.text("Label", "description"),
    )
    shape = call.shapes.label(label)
    return Answer(status=201, body=shape, headers={"Location": str(shape["url"])})


def get_label(call: Call) -> Answer:
    """One label."""
    return Answer(body=call.shapes.label(call.state.label(call.repository, call.path["name"])))


def change_label(call: Call) -> Answer:
    """Another name, colour or description."""
    label = call.state.label(call.repository, call.path["name"])
    description = call.text("Label", "description")
    changed = dataclasses.replace(
        label,
        name=call.text("Label", "new_name") or label.name,
        color=call.text("Label", "color") or label.color,
        description=label.description if description is None else description,
    )
    return Answer(body=call.shapes.label(call.sandbox.actions.change_label(label, changed)))


def list_issue_labels(call: Call) -> Answer:
    """The issue's labels."""
    labels = [call.state.label(call.repository, name) for name in call.issue.labels]
    return page_of(labels, call.shapes.label, url=call.url, query=call.query)


def add_issue_labels(call: Call) -> Answer:
    """More labels on the issue; names that the repository lacks are made."""
    issue = call.sandbox.actions.set_labels(call.issue, call.actor, (*call.issue.labels, *_wanted(call)))
    return _labels(call, issue)


def set_issue_labels(call: Call) -> Answer:
    """Exactly these labels on the issue."""
    return _labels(call, call.sandbox.actions.set_labels(call.issue, call.actor, _wanted(call)))


def remove_issue_label(call: Call) -> Answer:
    """One label off the issue; answers with the rest."""
    gone = call.path["name"].lower()
    kept = [name for name in call.issue.labels if name.lower() != gone]
    if len(kept) == len(call.issue.labels):
        raise Refusal(404, "Label does not exist")
    return _labels(call, call.sandbox.actions.set_labels(call.issue, call.actor, kept))


def _wanted(call: Call) -> list[str]:
    # GitHub takes a bare list, too, although its description names an object.
    value = call.body.get("labels") if isinstance(call.body, dict) else call.body
    if value is None:
        raise invalid("Issue", "labels", "labels is missing", code="missing_field")
    return list(label_names(value))


def _labels(call: Call, issue: Issue) -> Answer:
    return Answer(body=[call.shapes.label(call.state.label(call.repository, name)) for name in issue.labels])
