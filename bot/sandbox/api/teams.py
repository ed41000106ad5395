"""Organisations' teams."""

from bot.sandbox.answers import Answer, not_found
from bot.sandbox.api.call import Call
from bot.sandbox.records import Account, Team


def get_membership(call: Call) -> Answer:
    """A person's place in a team or in a child of it; 404 for who is not in it."""
    organization = call.state.account(call.path["org"])
    team = call.state.team(organization, call.path["team_slug"])
    _check_sight(call, organization, team)
    person = call.state.account(call.path["username"])
    member = call.sandbox.teams.membership(team, person)
    if member is None:
        raise not_found()
    url = f"{call.shapes.api_url}/organizations/{organization.id}/team/{team.id}/memberships/{person.login}"
    return Answer(body={"url": url, "role": member.role, "state": member.state})


def _check_sight(call: Call, organization: Account, team: Team) -> None:
    """Installations see the teams of their own organisation; people those of theirs, but of the
    secret ones only those that they are in."""
    token = call.caller.token
    if token is not None:
        sees = call.state.installation(token.installation_id).account.id == organization.id
    elif team.is_secret:
        sees = call.sandbox.teams.membership(team, call.actor) is not None
    else:
        sees = call.sandbox.teams.is_in_organization(organization, call.actor)
    if not sees:
        raise not_found()
