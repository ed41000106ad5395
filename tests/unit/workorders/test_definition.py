"""What a definition is, and how one that is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workorders.definition import LARGEST_BYTES, VERBS, Definition, from_bytes, from_markdown, shipped
from workorders.migration.errors import Unreadable
from workorders.order import State

SEED = Path(__file__).parents[2] / "payloads" / "definitions" / "database-migration.seed.md"

GOOD = """---
name: good-order
version: 1.0
description: One sentence
category: work-order
structure:
  supervisor: boss
  workers: [digger, carrier]
workflow: sequential
estimated_phases: 3
---

# Good order

## SCENARIO

Whenever.

## PHASES

### Phase 1: Dig
**Worker-1 (digger):**
- dig
  deeper

### Phase 2: Carry
**Role:** carrier
- carry

### Phase 3: Look
**Supervisor (boss):**
- look

## SUCCESS CRITERIA

- [ ] There is a hole
- [ ] It is deep

## ESCALATION

1. Shout
2. Run

## OUR OWN SECTION

```
## not a heading
```
"""


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def refusal(text: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        from_markdown(text)
    assert caught.value.reason.endswith((".", "\u2069.", ")."))
    assert caught.value.next_move
    return caught.value


@pytest.fixture
def seed() -> Definition:
    return from_bytes(SEED.read_bytes())


def test_a_good_definition_is_read() -> None:
    found = from_markdown(GOOD)

    assert found.version == "1.0"
    assert found.roles == ("boss", "digger", "carrier")
    assert [(phase.number, phase.role) for phase in found.phases] == [
        (1, "digger"),
        (2, "carrier"),
        (3, "boss"),
    ]
    assert found.phases[0].tasks == ("dig deeper",)
    assert found.criteria == ("There is a hole", "It is deep")
    assert found.escalation == ("Shout", "Run")
    assert found.sections[-1].text == "```\n## not a heading\n```"
    assert found.text == GOOD


def test_the_original_format_is_read(seed: Definition) -> None:
    assert (seed.name, seed.version, seed.workflow) == ("database-migration", "1.0.0", "sequential")
    assert [len(phase.tasks) for phase in seed.phases] == [6, 6, 7]
    assert len(seed.criteria) == 6
    assert len(seed.escalation) == 4
    assert "wo:done" in next(each.text for each in seed.sections if each.title == "Memory Hooks")


def test_the_shipped_definition_has_all_that_the_original_has(seed: Definition) -> None:
    ours = shipped()["database-migration"]

    assert [(each.number, each.role, len(each.tasks)) for each in ours.phases] == [
        (each.number, each.role, len(each.tasks)) for each in seed.phases
    ]
    assert len(ours.criteria) == len(seed.criteria)
    assert len(ours.escalation) == len(seed.escalation)
    assert [each.title for each in ours.sections] == [each.title for each in seed.sections]
    assert (ours.supervisor, ours.workers) == (seed.supervisor, seed.workers)


def test_the_shipped_definition_is_in_its_own_words(seed: Definition) -> None:
    ours = shipped()["database-migration"]
    theirs = {task for phase in seed.phases for task in phase.tasks} | set(seed.criteria)

    assert not theirs & ({task for phase in ours.phases for task in phase.tasks} | set(ours.criteria))


def test_criteria_begin_open_and_numbered() -> None:
    criteria = from_markdown(GOOD).open_criteria()

    assert [(each.number, each.holds) for each in criteria] == [(1, False), (2, False)]


@pytest.mark.parametrize(
    "key", ["name", "version", "description", "category", "workflow", "estimated_phases", "structure"]
)
def test_a_missing_key_is_named(key: str) -> None:
    front, _, rest = GOOD.partition("\n# ")
    lines = [line for line in front.splitlines() if not line.startswith(f"{key}:")]
    if key == "structure":
        lines = [line for line in lines if not line.startswith("  ")]

    assert key in refusal("\n".join(lines) + "\n# " + rest).reason


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest() -> None:
    error = refusal(changed("description: One", "descripton: One"))

    assert error.line == 4
    assert "description" in error.next_move


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("workflow: sequential", "workflow: parallel", 9, "parallel"),
        ("estimated_phases: 3", "estimated_phases: 4", 10, "holds 3"),
        ("estimated_phases: 3", "estimated_phases: three", 10, "whole number"),
        ("### Phase 2: Carry", "### Phase 4: Carry", 26, "phase 2"),
        ("### Phase 2: Carry", "### Carry", 26, "Carry"),
        ("**Role:** carrier", "**Role:** carier", 27, "carier"),
        ("**Role:** carrier", "no role", 26, "role"),
        ("**Role:** carrier", "**Role:** carrier\n**Role:** digger", 28, "second"),
        ("**Worker-1 (digger):**", "**Worker-2 (digger):**", 22, "Worker-2"),
        ("**Supervisor (boss):**", "**Role:** digger", 19, "boss"),
        ("- carry\n", "carry\n", 26, "no tasks"),
        ("[digger, carrier]", "[digger, digger]", 8, "twice"),
        ("[digger, carrier]", "[]", 8, "no worker"),
        ("[digger, carrier]", "[digger, boss]", 7, "at once"),
        ("version: 1.0", "version: 1.0\nversion: 2", 4, "twice"),
        ("version: 1.0", "version: &x 1.0", 3, "Anchors"),
        ("version: 1.0", "version: !!python/object:os.system 1", 3, "Tags"),
        ("version: 1.0", "version: [", 5, "YAML"),
        ("- [ ] There is a hole\n- [ ] It is deep", "nothing", 34, "no list"),
        ("Whenever.", "", 15, "SCENARIO"),
        ("Whenever.", "When\x07ever.", 17, "U+0007"),
        ("Whenever.", "<!-- lockkeeper:status -->", 17, "hidden marks"),
    ],
)
def test_what_does_not_fit_is_refused_with_line_and_reason(old: str, new: str, line: int, said: str) -> None:
    error = refusal(changed(old, new))

    assert (error.line, said in error.reason) == (line, True), error


@pytest.mark.parametrize("title", ["SCENARIO", "PHASES", "SUCCESS CRITERIA"])
def test_a_missing_section_is_named(title: str) -> None:
    assert title in refusal(changed(f"## {title}", f"## NOT {title}")).reason


@pytest.mark.parametrize(
    "name",
    [
        *sorted(VERBS),
        *(state.value for state in State if "_" not in state.value),
        *(state.value.replace("_", "-") for state in State),
        *("Upper", "with space", "-x", "x-", "a--b", "x" * 41, "../x", "wo:x", "<b>"),
    ],
)
def test_no_definition_is_named_like_a_state_or_a_verb_or_needs_quoting(name: str) -> None:
    assert refusal(changed("name: good-order", f"name: '{name}'")).line == 2


@pytest.mark.parametrize("text", ["", "# no front matter", "---\nname: x\n", "---\n---\n", "---\n- a\n---\n"])
def test_a_text_without_front_matter_is_refused(text: str) -> None:
    refusal(text)


def test_what_is_too_large_is_refused() -> None:
    assert str(LARGEST_BYTES) in refusal(GOOD + "x" * LARGEST_BYTES).reason


def test_bytes_that_are_not_utf_8_are_refused_with_their_line() -> None:
    with pytest.raises(Unreadable) as caught:
        from_bytes(GOOD.encode().replace(b"Whenever", b"When\xffever"))

    assert caught.value.line == 17


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_other_line_endings_and_a_byte_order_mark_make_no_difference(ending: str) -> None:
    assert from_markdown("\ufeff" + GOOD.replace("\n", ending)) == from_markdown(GOOD)


def test_deep_nesting_is_refused_and_does_not_recurse() -> None:
    refusal("---\n" + "name: " + "[" * 5000 + "\n---\n")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in (text, f"---\n{text}\n---\n", GOOD.replace("Whenever.", text), GOOD.replace("- dig", text)):
        try:
            from_markdown(each)
        except Unreadable as error:
            assert error.reason
            assert error.next_move


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        from_bytes(b"---\n" + raw)
