"""Who is calling: the App by its JWT, an installation or a person by a token."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from bot.sandbox.answers import Refusal, not_found
from bot.sandbox.records import ROLES, Account, App, Installation, InstallationToken, Repository
from bot.sandbox.state import State

TOKEN_LIFE = timedelta(hours=1)
_JWT_LIFE_SECONDS = 600
#: Clocks differ: GitHub advises to date a JWT 60 seconds back.
_DRIFT_SECONDS = 60
_LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a route asks of its caller."""

    #: `app`: its JWT; `installation`: an installation's token; `anyone`: any token.
    who: str = "anyone"
    #: The installation's permission, None where every token will do.
    permission: str | None = None
    level: str = "read"
    #: The role on the repository that a person needs.
    role: str = "read"

    @property
    def words(self) -> str:
        """As in the header `X-Accepted-GitHub-Permissions`."""
        return f"{self.permission}={self.level}"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls. `token` is None for the App itself and for people."""

    account: Account
    is_app: bool = False
    token: InstallationToken | None = None

    @property
    def is_person(self) -> bool:
        """Whether a personal token was shown."""
        return not self.is_app and self.token is None

    @property
    def rate_key(self) -> str:
        """Whose hourly limit a request counts against."""
        return f"installation {self.token.installation_id}" if self.token else f"account {self.account.id}"


def identify(header: str | None, state: State, app: App, now: datetime) -> Caller:
    """The caller of a request with this Authorization header; refused with 401."""
    if not header:
        raise Refusal(401, "Requires authentication")
    scheme, _, credential = header.partition(" ")
    credential = credential.strip()
    if scheme.lower() not in ("bearer", "token") or not credential:
        raise Refusal(401, "Bad credentials")
    if credential.count(".") == 2:
        _check_jwt(credential, app, now)
        return Caller(account=app.bot, is_app=True)
    token = state.tokens.get(credential)
    if token is not None and now < token.expires_at and token.installation_id in state.installations:
        return Caller(account=app.bot, token=token)
    for account in state.accounts.values():
        if account.token is not None and secrets.compare_digest(account.token.encode(), credential.encode()):
            return Caller(account=account)
    raise Refusal(401, "Bad credentials")


def _check_jwt(credential: str, app: App, now: datetime) -> None:
    try:
        # Times are judged by the sandbox's clock, below; PyJWT would take the machine's.
        claims = jwt.decode(
            credential,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_nbf": False},
        )
    except jwt.PyJWTError as error:
        raise Refusal(401, "A JSON web token could not be decoded") from error
    seconds = now.timestamp()
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not isinstance(issued_at, int) or issued_at > seconds + _DRIFT_SECONDS:
        raise Refusal(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion "
            "was issued",
        )
    if not isinstance(expires_at, int) or expires_at <= seconds:
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
            "the assertion expires",
        )
    if expires_at > seconds + _JWT_LIFE_SECONDS:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if str(claims.get("iss")) not in (str(app.id), app.client_id):
        raise Refusal(401, "'Issuer' claim ('iss') must be the App's id or client id")


def check(caller: Caller, needs: Needs, repository: Repository | None, state: State) -> None:
    """Refuses a caller who may not use a route, with GitHub's status: 401, 403 or 404.

    What one may not even see is not found.
    """
    if needs.who == "app":
        if not caller.is_app:
            raise Refusal(401, "A JSON web token could not be decoded")
        return
    if caller.is_app or (needs.who == "installation" and caller.is_person):
        raise Refusal(403, "Resource not accessible by integration" if caller.is_app else "Forbidden")
    if repository is not None and not _sees(caller, repository, state):
        raise not_found()
    if caller.token is None:
        _check_role(caller, needs, repository, state)
        return
    _check_permission(caller.token, needs, repository)


def _sees(caller: Caller, repository: Repository, state: State) -> bool:
    if caller.token is not None:
        return not repository.private or repository.id in caller.token.repository_ids
    return state.role(repository, caller.account) != "none"


def _check_role(caller: Caller, needs: Needs, repository: Repository | None, state: State) -> None:
    if repository is not None and not has_role(caller.account, needs.role, repository, state):
        raise Refusal(403, f"Must have {needs.role} rights to Repository.")


def _check_permission(token: InstallationToken, needs: Needs, repository: Repository | None) -> None:
    if needs.permission is None:
        return
    granted = token.permissions.get(needs.permission, "none")
    foreign = repository is not None and repository.id not in token.repository_ids and needs.level != "read"
    if foreign or _LEVELS.index(granted) < _LEVELS.index(needs.level):
        raise Refusal(
            403,
            "Resource not accessible by integration",
            headers={"X-Accepted-GitHub-Permissions": needs.words},
        )


def has_role(account: Account, role: str, repository: Repository, state: State) -> bool:
    """Whether the account's role on the repository includes `role`."""
    return ROLES.index(state.role(repository, account)) >= ROLES.index(role)


def narrow(
    installation: Installation,
    *,
    permissions: Mapping[str, str] | None,
    repository_ids: tuple[int, ...] | None,
    now: datetime,
) -> InstallationToken:
    """A new token with at most what the installation has; 422 when more is asked for."""
    granted = dict(installation.permissions)
    if permissions is not None:
        for name, level in permissions.items():
            if level not in _LEVELS[1:]:
                raise Refusal(422, f"Invalid level for the permission '{name}'.")
            if _LEVELS.index(granted.get(name, "none")) < _LEVELS.index(level):
                raise Refusal(422, "The permissions requested are not granted to this installation.")
        # GitHub adds metadata: read to every token.
        granted = {name: "read" for name in ("metadata",) if name in granted} | dict(permissions)
    chosen = installation.repository_ids if repository_ids is None else repository_ids
    if not set(chosen) <= set(installation.repository_ids):
        raise Refusal(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent "
            "installation.",
        )
    return InstallationToken(
        token="ghs_" + secrets.token_hex(18),
        installation_id=installation.id,
        repository_ids=chosen,
        permissions=granted,
        expires_at=now + TOKEN_LIFE,
    )
