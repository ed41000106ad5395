import dataclasses
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.saved import UnreadableState, load, save
from bot.sandbox.state import State
from tests.integration.sandbox.scene import Scene
from tests.plugins.sandbox import APP_ID, REPO, KeyPair


def _tables(state: State) -> dict[str, object]:
    fields = [field.name for field in dataclasses.fields(state) if not field.name.startswith("_")]
    return {name: getattr(state, name) for name in fields}


def test_saved_state_is_taken_up_whole(scene: Scene, app_key: KeyPair, tmp_path: Path) -> None:
    scene.token()
    before = scene.sandbox.state.state
    assert all(_tables(before).values()), "the scene has one record of each kind"
    save(before, tmp_path / "state.json")
    resumed = Sandbox(app_id=APP_ID, webhook_secret="s", public_key_pem=app_key.public_pem)

    load(resumed.state, tmp_path / "state.json")

    assert _tables(resumed.state) == _tables(before)
    assert resumed.state.next_id() > max(before.deliveries)
    assert resumed.open_issue_as("ana", REPO, "Next").number == 3
    assert resumed.app.bot.id == scene.sandbox.state.app.bot.id


def test_saved_state_is_not_for_others(scene: Scene, tmp_path: Path) -> None:
    save(scene.sandbox.state.state, tmp_path / "state.json")

    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"version": 9}', '{"version": 2, "state": {}}', "[]"])
def test_file_that_is_no_saved_state_is_named_and_changes_nothing(
    scene: Scene, tmp_path: Path, text: str
) -> None:
    (tmp_path / "state.json").write_text(text)

    with pytest.raises(UnreadableState, match=r"state\.json cannot be taken up"):
        load(scene.sandbox.state.state, tmp_path / "state.json")

    assert len(scene.sandbox.state.issues(REPO)) == 2
