"""Hazards of ADD COLUMN and of what is said of a column later."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.hazards.hazard import Effect, Hazard, Seen, Then
from workorders.migration.hazards.scene import Command, Scene, Subject, constraints
from workorders.migration.locks import LockMode
from workorders.migration.names import quoted
from workorders.migration.sql import tree

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_SERIALS = {"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"}
_REWRITTEN = "every row is written anew under ACCESS EXCLUSIVE: reads and writes wait until it is done"
_READ = "every row is read under ACCESS EXCLUSIVE: reads and writes wait until it is done"


def _added(scene: Scene) -> Iterator[tuple[Command, str]]:
    for command in scene.commands("AddColumn"):
        yield command, f"{command.subject}: column {command.definition['colname']}"


def _is_serial(command: Command) -> bool:
    return tree.strings(command.definition["typeName"]["names"])[-1] in _SERIALS


def _volatile_default(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        for default in constraints(command.definition, "DEFAULT"):
            call = scene.volatile_call(default.get("raw_expr", {}))
            if call:
                yield Seen(
                    tables=(command.subject.name,),
                    sentence=f"{what} has the default {call}(), which gives another value for every row, so"
                    f" {_REWRITTEN}{command.subject.if_filled}.",
                )


def _serial(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        if _is_serial(command):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} is a serial, so {_REWRITTEN}{command.subject.if_filled}.",
            )


def _identity(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        if any(constraints(command.definition, "IDENTITY")):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} is an identity, so {_REWRITTEN}{command.subject.if_filled}.",
            )


def _stored(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        # Without a word it is STORED before 18, where the grammar knows no other.
        if any(
            each.get("generated_kind", "s") == "s" for each in constraints(command.definition, "GENERATED")
        ):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} is generated and STORED, so {_REWRITTEN}{command.subject.if_filled}.",
            )


def _domain(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        type_name = command.definition["typeName"]
        if scene.is_constrained_domain(type_name):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} is of the domain {tree.strings(type_name['names'])[-1]}, which has a"
                f" constraint, so {_REWRITTEN}{command.subject.if_filled}.",
            )


def _required(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        column = command.definition
        gets_values = any(constraints(column, "DEFAULT", "IDENTITY", "GENERATED")) or _is_serial(command)
        if any(constraints(column, "NOTNULL", "PRIMARY")) and not gets_values:
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} is NOT NULL and has no default, so the statement fails with SQLSTATE"
                f" 23502{command.subject.if_filled}.",
            )


def _checked(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        for check in constraints(command.definition, "CHECK"):
            if check.get("is_enforced", False) and not check.get("skip_validation", False):
                yield Seen(
                    tables=(command.subject.name,),
                    sentence=f"{what} has a CHECK, so {_READ}{command.subject.if_filled}.",
                )


def _unique(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        for key in constraints(command.definition, "UNIQUE", "PRIMARY"):
            kind = "PRIMARY KEY" if key["contype"] == "CONSTR_PRIMARY" else "UNIQUE"
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} is {kind}: its index is built under ACCESS EXCLUSIVE; reads and writes wait"
                f" until it is done{command.subject.if_filled}.",
            )


def _referencing(scene: Scene) -> Iterator[Seen]:
    for command, what in _added(scene):
        defaults = [
            each
            for each in constraints(command.definition, "DEFAULT")
            if not _is_null(each.get("raw_expr", {}))
        ]
        if defaults and any(constraints(command.definition, "FOREIGN")):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{what} has a default and REFERENCES, so every row is looked up under ACCESS"
                f" EXCLUSIVE: reads and writes wait until it is done{command.subject.if_filled}.",
            )


def _is_null(expression: dict[str, object]) -> bool:
    constant = expression.get("A_Const", {})
    return isinstance(constant, dict) and bool(constant.get("isnull"))


def _expression(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("SetExpression"):
        yield Seen(
            tables=(command.subject.name,),
            name=command.column,
            sentence=f"{command.subject}: column {command.column} gets another expression, so"
            f" {_REWRITTEN}{command.subject.if_filled}, unless it is VIRTUAL.",
        )


def _set_not_null(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("SetNotNull", "AddConstraint"):
        subject = command.subject
        names: tuple[str, ...] = (command.column,)
        if command.kind == "AddConstraint":
            constraint = command.definition
            if constraint["contype"] != "CONSTR_NOTNULL" or constraint.get("skip_validation", False):
                continue
            names = tree.strings(constraint["keys"])
        for name in names:
            if scene.past.proves_not_null(subject.relname, name) or _is_not_null(scene, subject, name):
                continue
            unless = "" if subject.table else f", unless a validated CHECK ({name} IS NOT NULL) is there"
            yield Seen(
                tables=(subject.name,),
                name=name,
                sentence=f"{subject}: NOT NULL on column {name}: {_READ}{subject.if_filled}{unless}.",
            )


def _is_not_null(scene: Scene, subject: Subject, name: str) -> bool:
    """Whether the catalog shows that no row can be NULL there."""
    column = scene.column(subject, name)
    if subject.table is None or column is None:
        return False
    if column.not_null and column.is_not_null_validated:
        return True
    proof = f"CHECK (({quoted(column.name)} IS NOT NULL))"
    plain = f"CHECK (({column.name} IS NOT NULL))"
    return any(each.definition in (proof, plain) and each.is_validated for each in subject.table.constraints)


def _json(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("AddColumn", even_empty=True):
        if tree.strings(command.definition["typeName"]["names"])[-1] == "json":
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{command.subject}: column {command.definition['colname']} is json, which has no"
                " equality: a SELECT DISTINCT, GROUP BY or UNION over the whole row fails from then on.",
            )


_FILL = (
    "Add the column without it, then set the default, which then holds for new rows only, and fill the"
    " others in batches."
)

HAZARDS = (
    Hazard(
        id="add-column-volatile-default",
        title="A new column with a volatile default",
        condition="ADD COLUMN with a default that calls a volatile function, such as gen_random_uuid(),"
        " random() or clock_timestamp(). Constants and now() are free.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out=_FILL,
        bad="ALTER TABLE customers ADD COLUMN token uuid DEFAULT gen_random_uuid();",
        good="""ALTER TABLE customers ADD COLUMN token uuid;
ALTER TABLE customers ALTER COLUMN token SET DEFAULT gen_random_uuid();
UPDATE customers SET token = gen_random_uuid() WHERE id BETWEEN 1 AND 1000;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_volatile_default,
    ),
    Hazard(
        id="add-serial-column",
        title="A new serial column",
        condition="ADD COLUMN of a serial type.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Add an integer column, make a sequence its default, and fill the old rows in batches.",
        bad="ALTER TABLE customers ADD COLUMN number bigserial;",
        good="""ALTER TABLE customers ADD COLUMN number bigint;
CREATE SEQUENCE customers_number_seq OWNED BY customers.number;
ALTER TABLE customers ALTER COLUMN number SET DEFAULT nextval('customers_number_seq');
UPDATE customers SET number = DEFAULT WHERE id BETWEEN 1 AND 1000;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_serial,
    ),
    Hazard(
        id="add-identity-column",
        title="A new identity column",
        condition="ADD COLUMN ... GENERATED ... AS IDENTITY.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Add a plain column with a sequence as its default, fill it in batches; make it NOT NULL"
        " and an identity then.",
        bad="ALTER TABLE customers ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY;",
        good="""ALTER TABLE customers ADD COLUMN number bigint;
CREATE SEQUENCE customers_number_seq OWNED BY customers.number;
ALTER TABLE customers ALTER COLUMN number SET DEFAULT nextval('customers_number_seq');
UPDATE customers SET number = DEFAULT WHERE id BETWEEN 1 AND 1000;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_identity,
    ),
    Hazard(
        id="add-stored-column",
        title="A new stored generated column",
        condition="ADD COLUMN ... GENERATED ALWAYS AS (...) STORED.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Make it VIRTUAL (18 and later), or a plain column that a trigger fills, and complete the old"
        " rows in batches.",
        bad="ALTER TABLE customers ADD COLUMN twice int GENERATED ALWAYS AS (points * 2) STORED;",
        good="ALTER TABLE customers ADD COLUMN twice int GENERATED ALWAYS AS (points * 2) VIRTUAL;",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_stored,
    ),
    Hazard(
        id="add-domain-column",
        title="A new column of a domain with a constraint",
        condition="ADD COLUMN of a domain that has a CHECK or is NOT NULL. Known from the database, or from"
        " the script where it makes the domain.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Use the domain's base type, and add its condition as a CHECK that is NOT VALID and validated"
        " afterwards.",
        bad="ALTER TABLE customers ADD COLUMN age positive;",
        good="""ALTER TABLE customers ADD COLUMN age int;
ALTER TABLE customers ADD CONSTRAINT customers_age_check CHECK (age > 0) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT customers_age_check;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_domain,
        needs_database=True,
    ),
    Hazard(
        id="add-required-column",
        title="A new NOT NULL column without a default",
        condition="ADD COLUMN ... NOT NULL, or PRIMARY KEY, without a default on a table that holds rows.",
        consequence="The statement fails, and with it the migration; an empty development database does not"
        " show it.",
        way_out="Give it a DEFAULT, or add it without NOT NULL, fill it, and let a validated CHECK prove"
        " NOT NULL.",
        bad="ALTER TABLE customers ADD COLUMN country text NOT NULL;",
        good="ALTER TABLE customers ADD COLUMN country text NOT NULL DEFAULT 'unknown';",
        effect=Effect(fails_with="23502"),
        judge=_required,
    ),
    Hazard(
        id="add-column-with-check",
        title="A new column with a CHECK",
        condition="ADD COLUMN ... CHECK (...).",
        consequence="Every row is read under ACCESS EXCLUSIVE, though all are NULL or the default.",
        way_out="Add the column, then the CHECK as NOT VALID, then VALIDATE CONSTRAINT, which lets reads"
        " and writes through.",
        bad="ALTER TABLE customers ADD COLUMN age int CHECK (age > 0);",
        good="""ALTER TABLE customers ADD COLUMN age int;
ALTER TABLE customers ADD CONSTRAINT customers_age_check CHECK (age > 0) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT customers_age_check;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, scans=("customers",)),
        judge=_checked,
    ),
    Hazard(
        id="add-unique-column",
        title="A new column that is UNIQUE or the primary key",
        condition="ADD COLUMN ... UNIQUE or PRIMARY KEY.",
        consequence="An index is built under ACCESS EXCLUSIVE.",
        way_out="Add the column, then CREATE UNIQUE INDEX CONCURRENTLY, then the constraint USING INDEX.",
        bad="ALTER TABLE customers ADD COLUMN nick text UNIQUE;",
        good="""ALTER TABLE customers ADD COLUMN nick text;
CREATE UNIQUE INDEX CONCURRENTLY customers_nick_key ON customers (nick);
ALTER TABLE customers ADD CONSTRAINT customers_nick_key UNIQUE USING INDEX customers_nick_key;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, scans=("customers",)),
        judge=_unique,
    ),
    Hazard(
        id="add-column-default-references",
        title="A new column with a default and a foreign key",
        condition="ADD COLUMN ... DEFAULT ... REFERENCES. Without a default the rows are not looked up.",
        consequence="The value of every row is looked up in the other table under ACCESS EXCLUSIVE.",
        way_out="Add the column with its default, then the foreign key as NOT VALID, then VALIDATE"
        " CONSTRAINT.",
        bad="ALTER TABLE orders ADD COLUMN payer_id int DEFAULT 1 REFERENCES customers (id);",
        good="""ALTER TABLE orders ADD COLUMN payer_id int DEFAULT 1;
CREATE INDEX CONCURRENTLY orders_payer_id_idx ON orders (payer_id);
ALTER TABLE orders ADD CONSTRAINT orders_payer_id_fkey
  FOREIGN KEY (payer_id) REFERENCES customers (id) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_payer_id_fkey;""",
        effect=Effect(
            locks={"orders": _EXCLUSIVE, "customers": LockMode.SHARE_ROW_EXCLUSIVE}, scans=("orders",)
        ),
        judge=_referencing,
    ),
    Hazard(
        id="set-expression",
        title="Another expression for a generated column",
        condition="ALTER COLUMN ... SET EXPRESSION (17 and later) of a stored column.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Add another column with the new expression, and let the application read that one.",
        bad="ALTER TABLE customers ALTER COLUMN twice SET EXPRESSION AS (points * 3);",
        good="ALTER TABLE customers ADD COLUMN thrice int GENERATED ALWAYS AS (points * 3) VIRTUAL;",
        prepare="ALTER TABLE customers ADD COLUMN twice int GENERATED ALWAYS AS (points * 2) STORED;",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_expression,
        since=17,
    ),
    Hazard(
        id="set-not-null",
        title="SET NOT NULL",
        condition="ALTER COLUMN ... SET NOT NULL, or ADD CONSTRAINT ... NOT NULL (18), without a validated"
        " CHECK that proves it.",
        consequence="Every row is read under ACCESS EXCLUSIVE.",
        way_out="Add CHECK (column IS NOT NULL) NOT VALID, VALIDATE it, SET NOT NULL, drop the CHECK.",
        bad="ALTER TABLE customers ALTER COLUMN email SET NOT NULL;",
        good="""ALTER TABLE customers ADD CONSTRAINT email_is_there CHECK (email IS NOT NULL) NOT VALID;
ALTER TABLE customers VALIDATE CONSTRAINT email_is_there;
ALTER TABLE customers ALTER COLUMN email SET NOT NULL;
ALTER TABLE customers DROP CONSTRAINT email_is_there;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, scans=("customers",)),
        judge=_set_not_null,
    ),
    Hazard(
        id="add-json-column",
        title="A new json column",
        condition="ADD COLUMN of type json on a table that is there.",
        consequence="json has no equality: a SELECT DISTINCT, GROUP BY or UNION over the whole row fails.",
        way_out="Use jsonb.",
        bad="ALTER TABLE customers ADD COLUMN extra json;",
        good="ALTER TABLE customers ADD COLUMN extra jsonb;",
        effect=Effect(then=Then(sql="SELECT DISTINCT * FROM customers", fails_with="42883")),
        judge=_json,
    ),
)
