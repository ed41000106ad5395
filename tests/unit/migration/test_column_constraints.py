"""The constraints that stand beside a new column, each as an operation of its own."""

from __future__ import annotations

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Identity, Index, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.add_check import AddCheck
from workorders.migration.operations.add_column import AddColumn
from workorders.migration.operations.add_foreign_key import AddForeignKey
from workorders.migration.operations.add_key import AddKey
from workorders.migration.operations.operation import Operation, Place
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.sql import columns, tree


def _operations(definition: str) -> list[Operation]:
    """What `ALTER TABLE t ADD COLUMN ...` comes to after the column itself."""
    (raw,) = tree.statements(f"ALTER TABLE t ADD COLUMN {definition}")
    parent = Table(
        name=RelationName(schema="public", name="p"),
        columns=(Column(name="id", type="integer", not_null=True),),
        constraints=(Constraint(name="p_pkey", kind="p", definition="", columns=("id",), index="p_pkey"),),
        indexes=(Index(name="p_pkey", definition="", key_columns=("id",), is_unique=True, is_primary=True),),
    )
    table = Table(name=RelationName(schema="public", name="t"))
    catalog = Catalog(
        identity=Identity(system_identifier="1", database="d"),
        server_version=180000,
        search_path=("public",),
        role="r",
        tables={parent.name: parent, table.name: table},
    )
    column, *others = columns.added(
        raw.node["cmds"][0]["AlterTableCmd"], table, Place(statement=0, line=1), catalog
    )
    assert isinstance(column, AddColumn)
    return others


def test_each_constraint_has_the_columns_and_the_attributes_that_follow_it() -> None:
    check, foreign_key, unique = _operations(
        "z int NOT NULL DEFAULT 3 CHECK (z > 1) NOT ENFORCED"
        " REFERENCES p ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED CONSTRAINT alone UNIQUE"
    )

    assert isinstance(check, AddCheck)
    assert (check.constraint, check.modifiers) == ("t_z_check", " NOT ENFORCED")
    assert isinstance(foreign_key, AddForeignKey)
    assert foreign_key.constraint.name == "t_z_fkey"
    assert foreign_key.constraint.definition == (
        'FOREIGN KEY ("z") REFERENCES "public"."p"("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED'
    )
    assert foreign_key.constraint.is_validated
    assert isinstance(unique, AddKey)
    assert (unique.constraint.name, unique.constraint.columns) == ("alone", ("z",))
    assert not unique.constraint.is_deferrable


def test_a_primary_key_beside_a_column_first_asks_for_values() -> None:
    demand, key = _operations("z int PRIMARY KEY")

    assert isinstance(demand, SetNotNull)
    assert isinstance(key, AddKey)
    assert key.constraint.name == "t_pkey"


def test_what_is_the_columns_own_is_left_to_it() -> None:
    assert _operations("z int NOT NULL DEFAULT 3") == []


def test_a_second_constraint_of_the_same_kind_gets_the_next_name() -> None:
    names = [
        each.constraint
        for each in _operations("z int CHECK (z > 1) CHECK (z < 9)")
        if isinstance(each, AddCheck)
    ]

    assert names == ["t_z_check", "t_z_check1"]
