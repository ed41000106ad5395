"""The App, its installations, tokens and deliveries."""

from datetime import timedelta

from bot.sandbox.access import narrow
from bot.sandbox.answers import Answer, Refusal, invalid, not_found, not_listed, page_of, whole_number
from bot.sandbox.api.call import Call
from bot.sandbox.records import Delivery


def get_app(call: Call) -> Answer:
    """The App."""
    return Answer(body={**call.shapes.integration(), "installations_count": len(call.state.installations)})


def list_installations(call: Call) -> Answer:
    """Where the App is installed."""
    installations = list(call.state.installations.values())
    return page_of(installations, call.shapes.installation, url=call.url, query=call.query)


def get_installation(call: Call) -> Answer:
    """One installation."""
    return Answer(body=call.shapes.installation(call.state.installation(int(call.path["installation_id"]))))


def get_repository_installation(call: Call) -> Answer:
    """The installation that covers a repository."""
    found = call.state.installation_on(call.repository)
    if found is None:
        raise not_found()
    return Answer(body=call.shapes.installation(found))


def create_token(call: Call) -> Answer:
    """An installation's token for an hour, narrowed where the body asks for it."""
    installation = call.state.installation(int(call.path["installation_id"]))
    permissions = call.fields.get("permissions")
    if permissions is not None and not isinstance(permissions, dict):
        raise invalid("Integration", "permissions", "permissions must be an object", code="invalid")
    chosen: list[int] | None = None
    for key, kind in (("repositories", str), ("repository_ids", int)):
        wanted = call.fields.get(key)
        if wanted is None:
            continue
        if not isinstance(wanted, list) or not all(isinstance(item, kind) for item in wanted):
            raise invalid("Integration", key, f"{key} must be a list", code="invalid")
        covered = [call.state.repositories[repository_id] for repository_id in installation.repository_ids]
        by_name = {repository.name.lower(): repository.id for repository in covered}
        # An unknown name becomes an id that no installation has, which narrow() refuses.
        found = [by_name.get(item.lower(), -1) if kind is str else item for item in wanted]
        chosen = [*(chosen or []), *found]
    token = narrow(
        installation,
        permissions=permissions,
        repository_ids=None if chosen is None else tuple(dict.fromkeys(chosen)),
        now=call.sandbox.clock(),
    )
    call.state.tokens[token.token] = token
    return Answer(status=201, body=call.shapes.token(token, chosen=chosen is not None))


def list_token_repositories(call: Call) -> Answer:
    """The repositories that the token reaches."""
    if call.caller.token is None:
        raise Refusal(403, "Resource not accessible by personal access token")
    found = [call.state.repositories[repository_id] for repository_id in call.caller.token.repository_ids]
    return page_of(
        found,
        call.shapes.repository,
        url=call.url,
        query=call.query,
        within=lambda shaped: {
            "total_count": len(found),
            "repository_selection": "selected",
            "repositories": shaped,
        },
    )


def list_deliveries(call: Call) -> Answer:
    """Attempts to deliver the webhook, newest first, by cursor."""
    # GitHub forgets them after three days.
    since = call.sandbox.clock() - timedelta(days=3)
    kept = [each for each in call.state.deliveries.values() if each.delivered_at >= since]
    newest_first = sorted(kept, key=lambda delivery: -delivery.id)
    wanted = call.query.get("status")
    if wanted not in (None, "success", "failure"):
        raise not_listed("Delivery", "status")
    if wanted is not None:
        newest_first = [each for each in newest_first if (each.status == "OK") == (wanted == "success")]
    cursor = call.query.get("cursor")
    if cursor is not None:
        # GitHub's cursors are opaque; ours names the newest attempt of the page.
        if not (cursor.startswith("v1_") and cursor[3:].isdigit()):
            raise Refusal(400, "Invalid cursor")
        newest_first = [each for each in newest_first if each.id <= int(cursor[3:])]
    per_page = min(whole_number(call.query, "per_page", 30), 100)
    page, rest = newest_first[:per_page], newest_first[per_page:]
    headers = {}
    if rest:
        headers["Link"] = f'<{call.url}?per_page={per_page}&cursor=v1_{rest[0].id}>; rel="next"'
    return Answer(body=[call.shapes.delivery(each) for each in page], headers=headers)


def get_delivery(call: Call) -> Answer:
    """One attempt, with what was sent and what came back."""
    return Answer(body=call.shapes.full_delivery(_delivery(call)))


def redeliver(call: Call) -> Answer:
    """Deliver the event once more, under the same GUID."""
    call.sandbox.webhooks.redeliver(_delivery(call))
    return Answer(status=202, body={})


def _delivery(call: Call) -> Delivery:
    found = call.state.deliveries.get(int(call.path["delivery_id"]))
    if found is None:
        raise not_found()
    return found
