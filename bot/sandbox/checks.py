"""Check runs: what the App says of a commit, and the buttons that people press."""

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager

from bot.sandbox.actions import Actions
from bot.sandbox.answers import Refusal, not_found
from bot.sandbox.records import Account, Annotation, CheckRun, PullRequest, Repository
from bot.sandbox.shapes import Shape, iso, node_id
from bot.sandbox.state import State


class Checks:
    """The check runs of one App. Its methods may be called from any thread."""

    def __init__(
        self, *, lock: AbstractContextManager[bool], state: State, actions: Actions, bot: Account
    ) -> None:
        self._lock = lock
        self._state = state
        self._actions = actions
        self._bot = bot

    def add(self, run: CheckRun) -> CheckRun:
        """A new check run, of which the App is told, too."""
        with self._lock:
            self._state.check_runs[run.id] = run
            self._tell("created", run, self._bot)
            if run.status == "completed":
                self._tell("completed", run, self._bot)
            return run

    def change(self, run: CheckRun, changed: CheckRun) -> CheckRun:
        """`run` as `changed`."""
        with self._lock:
            self._state.check_runs[run.id] = changed
            if changed.status == "completed" != run.status:
                self._tell("completed", changed, self._bot)
            return changed

    def press_as(self, login: str, repo: str, check_run_id: int, identifier: str) -> None:
        """A person presses one of a check run's buttons."""
        with self._lock:
            run = self._state.check_run(self._state.repository(repo), check_run_id)
            if identifier not in [button.identifier for button in run.buttons]:
                raise not_found()
            person = self._state.account(login)
            self._tell("requested_action", run, person, requested_action={"identifier": identifier})

    def rerequest_as(self, login: str, repo: str, check_run_id: int) -> None:
        """A person asks for a check run to be run again."""
        with self._lock:
            run = self._state.check_run(self._state.repository(repo), check_run_id)
            if run.status != "completed":
                raise Refusal(422, "This check run is not rerequestable")
            self._tell("rerequested", run, self._state.account(login))

    def of(self, repo: str, sha: str, *, newest_only: bool = True) -> list[CheckRun]:
        """A commit's check runs, newest first; by default the newest of each name."""
        with self._lock:
            repository = self._state.repository(repo)
            found = [
                run
                for run in sorted(self._state.check_runs.values(), key=lambda run: -run.id)
                if (run.repository_id, run.head_sha) == (repository.id, sha)
            ]
            if newest_only:
                by_name = {run.name: run for run in reversed(found)}
                found = [run for run in found if by_name[run.name] is run]
            return found

    def shape(self, run: CheckRun) -> Shape:
        """`check-run`."""
        repository = self._state.repositories[run.repository_id]
        shapes = self._actions.shapes
        url = f"{shapes.api_url}/repos/{repository.full_name}/check-runs/{run.id}"
        html = f"{shapes.url}/{repository.full_name}/runs/{run.id}"
        return {
            "id": run.id,
            "node_id": node_id("CR", run.id),
            "name": run.name,
            "head_sha": run.head_sha,
            "external_id": run.external_id,
            "url": url,
            "html_url": html,
            "details_url": run.details_url or html,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": iso(run.started_at),
            "completed_at": iso(run.completed_at) if run.completed_at else None,
            "output": {
                "title": run.title,
                "summary": run.summary,
                "text": run.text,
                "annotations_count": len(run.annotations),
                "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": _suite_id(run)},
            "app": shapes.integration(),
            "pull_requests": [self._minimal(pull) for pull in self._pulls_of(run)],
        }

    def annotation(self, run: CheckRun, annotation: Annotation) -> Shape:
        """`check-annotation`."""
        repository = self._state.repositories[run.repository_id]
        html = f"{self._actions.shapes.url}/{repository.full_name}"
        shape = dataclasses.asdict(annotation)
        shape["annotation_level"] = shape.pop("level")
        return {**shape, "blob_href": f"{html}/blob/{run.head_sha}/{annotation.path}"}

    def _pulls_of(self, run: CheckRun) -> list[PullRequest]:
        """The open ones of the run's head. Those of forks are left out, as GitHub does."""
        return [
            pull
            for pull in self._state.pulls.values()
            if (pull.repository_id, pull.head_repository_id) == (run.repository_id, run.repository_id)
            and pull.head_sha == run.head_sha
            and self._state.issues[pull.repository_id, pull.number].state == "open"
        ]

    def _minimal(self, pull: PullRequest) -> Shape:
        repository = self._state.repositories[pull.repository_id]
        api = f"{self._actions.shapes.api_url}/repos/{repository.full_name}"
        repo = {"id": repository.id, "url": api, "name": repository.name}
        return {
            "id": pull.id,
            "number": pull.number,
            "url": f"{api}/pulls/{pull.number}",
            "head": {"ref": pull.head_branch, "sha": pull.head_sha, "repo": repo},
            "base": {"ref": pull.base_branch, "sha": pull.base_sha, "repo": repo},
        }

    def _suite(self, run: CheckRun, repository: Repository) -> Shape:
        pulls = self._pulls_of(run)
        api = f"{self._actions.shapes.api_url}/repos/{repository.full_name}"
        return {
            "id": _suite_id(run),
            "node_id": node_id("CS", _suite_id(run)),
            "head_branch": pulls[0].head_branch if pulls else None,
            "head_sha": run.head_sha,
            "status": run.status,
            "conclusion": run.conclusion,
            "url": f"{api}/check-suites/{_suite_id(run)}",
            "before": None,
            "after": run.head_sha,
            "pull_requests": [self._minimal(pull) for pull in pulls],
            "app": self._actions.shapes.integration(),
            "created_at": iso(run.started_at),
            "updated_at": iso(run.completed_at or run.started_at),
        }

    def _tell(self, action: str, run: CheckRun, sender: Account, **more: Mapping[str, str]) -> None:
        repository = self._state.repositories[run.repository_id]
        shape = {**self.shape(run), "check_suite": self._suite(run, repository)}
        self._actions.tell("check_run", action, {"check_run": shape, **more}, repository, sender)


def _suite_id(run: CheckRun) -> int:
    """One for each commit."""
    return int(run.head_sha[:7], 16) + 1
