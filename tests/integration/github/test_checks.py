"""A check run stands at its commit as it was set, once, whatever goes wrong on the way."""

from __future__ import annotations

import dataclasses

import pytest

from bot.github.app import App
from bot.github.checks import MOST_ANNOTATIONS, Annotation, Button, CheckRun
from bot.github.client import Client
from bot.github.message import SetCheckRun
from bot.sandbox import records
from bot.sandbox.faults import Fault, When
from tests.integration.github.bench import Bench
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Repository

NOTE = Annotation(path="a.sql", line=1, level="notice", message="note")


@pytest.fixture
def head(sandbox: ServedSandbox) -> str:
    return sandbox.state.put_file(REPO, "a.sql", "select 1;\n")


@pytest.fixture
def github(app: App, sandbox: ServedSandbox) -> Client:
    return app.installation(sandbox.installation_id)


def _check(head: str, *, notes: int = 0) -> CheckRun:
    return CheckRun(
        name="lockkeeper/shop",
        head=head,
        status="in_progress",
        title="Rehearsing",
        summary="It **runs**.",
        annotations=tuple(dataclasses.replace(NOTE, message=f"note {number}") for number in range(notes)),
    )


def _done(check: CheckRun) -> CheckRun:
    return dataclasses.replace(check, status="completed", conclusion="success")


def _runs(sandbox: ServedSandbox, head: str) -> list[records.CheckRun]:
    return sandbox.state.checks.of(REPO, head, newest_only=False)


def test_a_check_is_one_run_however_often_it_is_set(
    github: Client, shop: Repository, sandbox: ServedSandbox, head: str
) -> None:
    button = Button(label="Approve", description="Approve the plan", identifier="approve")
    check = dataclasses.replace(_check(head, notes=2), buttons=(button,))
    github.set_check_run(shop, check)
    github.set_check_run(
        shop, dataclasses.replace(check, title="Approve it", details_url="https://e.example")
    )
    github.set_check_run(
        shop, _done(dataclasses.replace(check, buttons=(), annotations=check.annotations[::-1]))
    )

    (run,) = _runs(sandbox, head)
    assert (run.name, run.head_sha, run.status, run.conclusion) == (check.name, head, "completed", "success")
    assert [each.message for each in run.annotations] == ["note 0", "note 1"]
    assert (run.buttons, run.details_url, run.summary) == ((), "https://e.example", "It **runs**.")


def test_another_name_or_commit_is_another_run(
    github: Client, shop: Repository, sandbox: ServedSandbox, head: str
) -> None:
    later = sandbox.state.put_file(REPO, "b.sql", "select 2;\n")
    for check in (
        _check(head),
        _check(later),
        dataclasses.replace(_check(head), name="lockkeeper/other & more"),
    ):
        github.set_check_run(shop, check)
        github.set_check_run(shop, check)

    assert [len(_runs(sandbox, each)) for each in (head, later)] == [2, 1]


def test_many_annotations_come_in_several_requests_and_none_twice(
    github: Client, shop: Repository, sandbox: ServedSandbox, head: str
) -> None:
    github.set_check_run(shop, _check(head, notes=7))
    github.set_check_run(shop, _done(_check(head, notes=MOST_ANNOTATIONS + 5)))

    (run,) = _runs(sandbox, head)
    assert [each.message for each in run.annotations] == [
        f"note {number}" for number in range(MOST_ANNOTATIONS)
    ]
    assert run.summary is not None
    assert run.summary.endswith("5 more remarks are not shown on the lines.")


@pytest.mark.parametrize("when", [When.INSTEAD, When.LOST_REQUEST, When.LOST_ANSWER])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_setting_that_was_cut_off_is_finished_and_not_doubled(
    bench: Bench, sandbox: ServedSandbox, head: str, when: When, method: str
) -> None:
    sandbox.state.plan_fault(Fault(when=when, status=502, method=method, path="/check-runs"), times=2)

    bench.post(SetCheckRun(repository=bench.shop, number=1, check=_done(_check(head, notes=120))))
    bench.send_all()

    newest = sandbox.state.checks.of(REPO, head)
    assert [(run.status, len(run.annotations)) for run in newest] == [("completed", 120)]
    assert len(_runs(sandbox, head)) == 1


def test_only_the_newest_value_is_sent_and_the_same_one_not_again(
    bench: Bench, sandbox: ServedSandbox, head: str
) -> None:
    for check in (_check(head), _done(_check(head))):
        bench.post(SetCheckRun(repository=bench.shop, number=1, check=check))
    bench.send_all()
    sent = bench.writes()
    bench.post(SetCheckRun(repository=bench.shop, number=1, check=_done(_check(head))))
    bench.send_all()

    assert (sent, bench.writes()) == (1, 1)
    assert [run.status for run in _runs(sandbox, head)] == ["completed"]


@pytest.mark.parametrize("is_taken_back", [True, False], ids=["remark", "conclusion"])
def test_what_cannot_be_taken_back_makes_place_for_a_new_run(
    github: Client, shop: Repository, sandbox: ServedSandbox, head: str, is_taken_back: bool
) -> None:
    github.set_check_run(shop, _done(_check(head, notes=2)))
    wanted = _done(_check(head, notes=1)) if is_taken_back else _check(head, notes=2)
    github.set_check_run(shop, wanted)

    (newest,) = sandbox.state.checks.of(REPO, head)
    assert (newest.status, len(newest.annotations)) == (wanted.status, len(wanted.annotations))
    assert len(_runs(sandbox, head)) == 2


def test_a_check_comes_back_from_json_as_it_was(head: str) -> None:
    button = Button(label="a", description="b", identifier="c")
    check = dataclasses.replace(_done(_check(head, notes=2)), buttons=(button,))

    assert CheckRun.from_json(check.to_json()) == check


def test_what_could_not_stand_there_is_refused(head: str) -> None:
    with pytest.raises(ValueError, match="conclusion"):
        dataclasses.replace(_check(head), conclusion="success")
    with pytest.raises(ValueError, match="label has 1 to 20"):
        Button(label="x" * 21, description="b", identifier="c")
    with pytest.raises(ValueError, match="3 buttons"):
        dataclasses.replace(_check(head), buttons=(Button(label="a", description="b", identifier="c"),) * 4)
