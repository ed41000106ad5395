"""Who is in a team is yes or no only where GitHub has said so."""

from __future__ import annotations

import pytest

from bot.github.app import App
from bot.github.client import Client
from bot.github.errors import NotAnswered
from bot.sandbox.faults import Fault, When
from bot.sandbox.sandbox import Sandbox
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import ServedSandbox


@pytest.fixture
def hub(sandbox: ServedSandbox) -> Sandbox:
    sandbox.state.teams.add("acme/dba")
    sandbox.state.teams.join("acme/dba", "dba")
    return sandbox.state


@pytest.fixture
def github(app: App, sandbox: ServedSandbox) -> Client:
    return app.installation(sandbox.installation_id)


def test_only_an_active_member_is_one(github: Client, hub: Sandbox) -> None:
    hub.teams.join("acme/dba", "ana", state="pending")

    assert github.is_team_member("acme", "dba", "dba")
    assert github.is_team_member("Acme", "DBA", "Dba")
    assert not github.is_team_member("acme", "dba", "ana")
    assert not github.is_team_member("acme", "dba", "mallory")
    assert not github.is_team_member("acme", "dba", "nobody")
    assert not github.is_team_member("acme", "none", "dba")


def test_who_has_left_is_none_any_more(github: Client, hub: Sandbox) -> None:
    hub.teams.leave("acme/dba", "dba")

    assert not github.is_team_member("acme", "dba", "dba")


def test_a_member_of_a_child_is_one(github: Client, hub: Sandbox) -> None:
    hub.teams.add("acme/oncall", parent="dba")
    hub.teams.join("acme/oncall", "ana")

    assert github.is_team_member("acme", "dba", "ana")
    assert not github.is_team_member("acme", "oncall", "dba")


def test_another_organisation_s_team_is_not_seen(github: Client, hub: Sandbox) -> None:
    hub.teams.add("other/dba")
    hub.teams.join("other/dba", "mallory")

    assert not github.is_team_member("other", "dba", "mallory")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(when=When.INSTEAD, status=502),
        Fault(when=When.LOST_ANSWER),
        Fault(when=When.INSTEAD, status=403, message="Resource not accessible by integration"),
        Fault(when=When.INSTEAD, status=403, retry_after_seconds=60),
    ],
    ids=["broken", "lost", "forbidden", "haste"],
)
@pytest.mark.parametrize("login", ["dba", "mallory"])
def test_what_github_does_not_tell_is_not_known(
    github: Client, hub: Sandbox, fault: Fault, login: str
) -> None:
    assert github.user("ana")
    hub.plan_fault(fault, times=4)

    with pytest.raises(NotAnswered):
        github.is_team_member("acme", "dba", login)


def test_people_see_the_teams_of_their_organisation_and_secret_ones_from_within(
    hub: Sandbox, sandbox: ServedSandbox, api: Api
) -> None:
    hub.teams.add("acme/spies", secret=True)
    hub.teams.join("acme/spies", "ana")

    def status(login: str, team: str, of: str) -> int:
        path = f"/orgs/acme/teams/{team}/memberships/{of}"
        return api.send("GET", path, token=sandbox.token_of(login)).status

    assert [status(login, "dba", "dba") for login in ("dba", "ana", "mallory")] == [200, 200, 404]
    assert [status(login, "spies", "ana") for login in ("dba", "ana", "mallory")] == [404, 200, 404]
