from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workorders.migration.catalog.diff import compare
from workorders.migration.catalog.fingerprint import BELONGS_TO, Fingerprint, Value
from workorders.migration.names import RelationName

values = st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text()))
fingerprints = st.dictionaries(st.text(), st.dictionaries(st.text(), values, max_size=4), max_size=5).map(
    lambda objects: Fingerprint(objects=objects)
)


def told(before: Fingerprint, after: Fingerprint) -> list[str]:
    return [str(difference) for difference in compare(before, after)]


def test_a_new_object_is_one_difference() -> None:
    after = Fingerprint(objects={"index public.i": {"definition": "x", "valid": False}})

    assert told(Fingerprint(), after) == ["index public.i is new"]
    assert told(after, Fingerprint()) == ["index public.i is missing"]


def test_an_attribute_is_told_with_both_values() -> None:
    before = Fingerprint(objects={"column public.t.a": {"type": "integer", "not_null": True}})
    after = Fingerprint(objects={"column public.t.a": {"type": "bigint"}})

    assert told(before, after) == [
        "column public.t.a: NOT NULL was true, is not set",
        "column public.t.a: type was integer, is bigint",
    ]


def test_a_sentence_stays_on_one_line() -> None:
    before = Fingerprint(objects={'view public."a\nb"': {"definition": "SELECT\n1"}})
    after = Fingerprint(objects={'view public."a\nb"': {"definition": "SELECT\n2"}})

    assert told(before, after) == ['view public."a\\nb": definition was SELECT\\n1, is SELECT\\n2']


def test_true_is_not_one() -> None:
    before = Fingerprint(objects={"a": {"x": 1}})
    after = Fingerprint(objects={"a": {"x": True}})

    assert len(compare(before, after)) == 1


@given(fingerprints, fingerprints)
def test_no_difference_means_the_same_hash(before: Fingerprint, after: Fingerprint) -> None:
    assert (compare(before, after) == ()) == (before.hash == after.hash)


@given(fingerprints)
def test_json_gives_back_what_it_was_made_of(fingerprint: Fingerprint) -> None:
    assert Fingerprint.from_json(fingerprint.to_json()) == fingerprint


def test_of_knows_a_dot_in_a_name_from_a_dot_between_names() -> None:
    objects: dict[str, dict[str, Value]] = {
        "one": {BELONGS_TO: ["a.b", "c"]},
        "two": {BELONGS_TO: ["a", "b.c"]},
        "three": {"x": 1},
    }

    kept = Fingerprint(objects=objects).of([RelationName(schema="a", name="b.c")])

    assert list(kept.objects) == ["two"]
