from __future__ import annotations

from workorders.migration.sql import script, tree


def test_words_in_constants_are_found_whatever_else_stands_there() -> None:
    text = "DO $$ BEGIN EXECUTE 'INSERT INTO \"Odd name\" VALUES (''{} {x} ~ \\ '')'; PERFORM ''; END $$"

    assert {"Odd name", "insert", "x"} <= {word.text for word in tree.words(text)}


def test_a_script_s_words_hold_names_that_are_written_with_escapes() -> None:
    assert "data" in script.read('DELETE FROM U&"d\\0061t\\0061"').words
