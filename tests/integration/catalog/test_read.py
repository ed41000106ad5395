from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from workorders.migration.catalog.attached import Dependant, Statistics
from workorders.migration.catalog.read import identity, read, sizes
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.connections import Target
from workorders.migration.errors import Blocked
from workorders.migration.names import RelationName

SCHEMA = """
CREATE SCHEMA other;
CREATE SCHEMA lockkeeper;
CREATE TABLE lockkeeper.hidden (a int);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN strict AS int NOT NULL;
CREATE DOMAIN deep AS strict;
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE t (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT t_key PRIMARY KEY,
  gone int,
  pid int CONSTRAINT t_parent REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE,
  a int DEFAULT 7,
  b varchar(50) COLLATE "C",
  m mood,
  d deep DEFAULT 1,
  g int GENERATED ALWAYS AS (a * 2) STORED,
  at timestamptz DEFAULT '2020-01-01 00:00+00',
  n serial,
  w text
);
ALTER TABLE t DROP gone;
ALTER TABLE t ADD lockkeeper_kept int;
ALTER TABLE t ADD CONSTRAINT t_late CHECK (b <> '' AND a > 0) NOT VALID;
CREATE INDEX t_partly ON t (lower(w), a) INCLUDE (b) WHERE m = 'ok';
CREATE STATISTICS st ON a, (lower(w)) FROM t;
CREATE TRIGGER trig BEFORE UPDATE OF b ON t FOR EACH ROW WHEN (NEW.w IS NOT NULL) EXECUTE FUNCTION trg();
ALTER TABLE t DISABLE TRIGGER trig;
CREATE POLICY pol ON t USING (a > 0);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
COMMENT ON COLUMN t.a IS 'a comment';
COMMENT ON CONSTRAINT t_late ON t IS 'late';
CREATE TABLE child (id int, t_id bigint CONSTRAINT child_t REFERENCES t, r t);
CREATE TABLE borrows (n int DEFAULT nextval('t_n_seq'));
CREATE VIEW v AS SELECT a FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT a FROM v;
CREATE RULE ru AS ON DELETE TO parent DO ALSO DELETE FROM t WHERE pid = old.id;
CREATE FUNCTION of_row(t) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION standard() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(w) FROM t; END;
CREATE PUBLICATION pub FOR TABLE t (id, n);
CREATE TABLE pt (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE TEMP TABLE passing (a int);
"""


def named(name: str, schema: str = "public") -> RelationName:
    return RelationName(schema=schema, name=name)


def catalog_of(url: str) -> Catalog:
    with psycopg.connect(url, autocommit=True) as connection:
        return read(Target(connection))


@pytest.fixture
def catalog(make_database: Callable[..., str]) -> Catalog:
    return catalog_of(make_database(SCHEMA))


@pytest.fixture
def table(catalog: Catalog) -> Table:
    return catalog.tables[named("t")]


def test_all_relations_but_ours_and_temporary_ones_are_there(catalog: Catalog) -> None:
    kinds = {str(name): table.kind for name, table in catalog.tables.items()}

    assert kinds == {
        "public.parent": "r",
        "public.t": "r",
        "public.child": "r",
        "public.borrows": "r",
        "public.v": "v",
        "public.mv": "m",
        "public.pt": "p",
        "public.pt1": "r",
    }
    assert catalog.schemas == {"public", "other"}


def test_columns_are_as_they_are(table: Table) -> None:
    assert table.columns == (
        Column(
            name="id",
            type="bigint",
            not_null=True,
            not_null_name="t_id_not_null",
            identity="a",
            owned_sequences=(named("t_id_seq"),),
        ),
        Column(name="pid", type="integer"),
        Column(name="a", type="integer", default="7", comment="a comment"),
        Column(name="b", type="character varying(50)", collation='pg_catalog."C"'),
        Column(name="m", type="public.mood"),
        Column(name="d", type="public.deep", default="1", is_domain=True, is_not_null_domain=True),
        Column(name="g", type="integer", generated="s", generation="(a * 2)"),
        Column(
            name="at",
            type="timestamp with time zone",
            default="'2020-01-01 00:00:00+00'::timestamp with time zone",
        ),
        Column(
            name="n",
            type="integer",
            not_null=True,
            not_null_name="t_n_not_null",
            default="nextval('public.t_n_seq'::regclass)",
            owned_sequences=(named("t_n_seq"),),
        ),
        Column(name="w", type="text"),
        Column(name="lockkeeper_kept", type="integer"),
    )


def test_constraints_are_as_they_are(table: Table) -> None:
    assert table.constraints == (
        Constraint(
            name="t_key",
            kind="p",
            definition="PRIMARY KEY (id)",
            columns=("id",),
            index="t_key",
            is_no_inherit=True,
        ),
        Constraint(
            name="t_late",
            kind="c",
            definition="CHECK ((((b)::text <> ''::text) AND (a > 0)))",
            columns=("b", "a"),
            is_validated=False,
            comment="late",
        ),
        Constraint(
            name="t_parent",
            kind="f",
            definition="FOREIGN KEY (pid) REFERENCES public.parent(id)"
            " ON UPDATE SET NULL ON DELETE CASCADE DEFERRABLE",
            columns=("pid",),
            is_no_inherit=True,
            is_deferrable=True,
            referenced=named("parent"),
            referenced_columns=("id",),
            referenced_index="parent_pkey",
            on_delete="c",
            on_update="n",
        ),
    )


def test_an_index_names_all_columns_that_it_reads(table: Table) -> None:
    partly = next(index for index in table.indexes if index.name == "t_partly")

    assert partly == Index(
        name="t_partly",
        definition="CREATE INDEX t_partly ON public.t USING btree (lower(w), a) INCLUDE (b)"
        " WHERE (m = 'ok'::public.mood)",
        columns=("a", "b", "m", "w"),
        key_columns=("", "a"),
        size_bytes=8192,
    )


def test_the_rest_of_a_table_is_as_it_is(table: Table) -> None:
    (trigger,) = table.triggers

    assert (trigger.name, trigger.enabled, trigger.function) == ("trig", "D", "public.trg")
    assert table.statistics == (
        Statistics(
            name=named("st"),
            definition="CREATE STATISTICS public.st ON a, lower(w) FROM public.t",
            columns=("a", "w"),
        ),
    )
    assert (table.owner, table.publications) == ("app_owner", ("pub",))
    assert (table.has_row_security, table.forces_row_security) == (True, False)


def test_partitions_and_parents_know_each_other(catalog: Catalog) -> None:
    partitioned, partition = catalog.tables[named("pt")], catalog.tables[named("pt1")]

    assert (partitioned.partition_key, partitioned.children) == ("RANGE (k)", (named("pt1"),))
    assert (partition.partition_bound, partition.parents) == ("FOR VALUES FROM (0) TO (10)", (named("pt"),))
    assert partition.is_partition
    assert all(column.is_inherited for column in partition.columns)


def test_dependants_are_what_is_in_the_way_of_a_drop(table: Table) -> None:
    def own(column: str, kind: str, description: str) -> Dependant:
        return Dependant(column=column, kind=kind, description=description, relation=named("t"), is_own=True)

    assert set(table.dependants) == {
        Dependant(kind="function", description="function public.of_row(public.t)"),
        Dependant(kind="table column", description="column r of table public.child", relation=named("child")),
        Dependant(column="a", kind="view", description="view public.v", relation=named("v")),
        Dependant(column="w", kind="function", description="function public.standard()"),
        Dependant(
            column="n",
            kind="default",
            description="column n of table public.borrows",
            relation=named("borrows"),
        ),
        Dependant(
            column="id",
            kind="foreign key",
            description="constraint child_t on table public.child",
            relation=named("child"),
        ),
        Dependant(
            column="pid", kind="rule", description="rule ru on table public.parent", relation=named("parent")
        ),
        own("a", "generated column", "column g of table public.t"),
        own("a", "policy", "policy pol on table public.t"),
        own("b", "trigger", "trigger trig on table public.t"),
        own("w", "trigger", "trigger trig on table public.t"),
        own("id", "publication", "publication of table public.t in publication \"pub\""),
        own("n", "publication", "publication of table public.t in publication \"pub\""),
    }


def test_a_plain_drop_of_a_column_fails_if_and_only_if_something_depends_on_it(
    make_database: Callable[..., str],
) -> None:
    url = make_database(SCHEMA)
    for table in catalog_of(url).tables.values():
        if table.kind != "r" or table.is_partition:
            continue
        for column in table.columns:
            needed = any(dependant.column == column.name for dependant in table.dependants)
            with psycopg.connect(url) as connection:
                statement = f'ALTER TABLE {table.name.sql} DROP COLUMN "{column.name}"'.encode()
                try:
                    connection.execute(statement)
                except psycopg.errors.DependentObjectsStillExist:
                    failed = True
                else:
                    failed = False
                connection.rollback()
            assert failed == needed, (table.name, column.name)


def test_a_plain_drop_of_a_table_fails_if_and_only_if_something_else_depends_on_it(
    make_database: Callable[..., str],
) -> None:
    url = make_database(SCHEMA)
    for table in catalog_of(url).tables.values():
        if table.kind not in ("r", "p"):
            continue
        needed = any(not dependant.is_own for dependant in table.dependants)
        with psycopg.connect(url) as connection:
            try:
                connection.execute(f"DROP TABLE {table.name.sql}".encode())
            except psycopg.errors.DependentObjectsStillExist:
                failed = True
            else:
                failed = False
            connection.rollback()
        assert failed == needed, table.name


def test_names_taken_and_volatility_are_known(catalog: Catalog) -> None:
    assert {"t", "t_key", "t_id_seq", "v", "mv"} <= catalog.relation_names["public"]
    assert {"t_key", "t_late", "t_a_not_null", "t_id_not_null"} - catalog.constraint_names["public"] == {
        "t_a_not_null"
    }
    assert {"lower", "of_row"} <= catalog.immutable_functions
    assert {"random", "standard"} <= catalog.volatile_functions
    assert not {"now", "random"} & catalog.immutable_functions
    assert {"lower", "of_row", "to_jsonb"} <= catalog.settled_functions
    assert not {"now", "random", "standard"} & catalog.settled_functions
    assert "now" not in catalog.volatile_functions
    assert catalog.enums == {named("mood"): ("sad", "ok")}


def test_the_database_and_the_role_are_known(
    make_database: Callable[..., str], superuser_dsn: Callable[[str], str]
) -> None:
    url = make_database()
    name = url.rsplit("/", 1)[1].split("?")[0]
    with psycopg.connect(superuser_dsn(url), autocommit=True) as superuser:
        superuser.execute(f"ALTER DATABASE {name} SET search_path = pg_catalog, other, public".encode())
        superuser.execute(f"ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'".encode())
        superuser.execute(f"ALTER DATABASE {name} SET app.tenant = 'a=b'".encode())

    catalog = catalog_of(url)

    assert (catalog.role, catalog.role_is_superuser) == ("app_owner", False)
    assert not catalog.role_sets_replication_role
    assert catalog.identity.database == name
    assert catalog.identity.system_identifier.isdigit()
    assert catalog.settings["TimeZone"] == "Asia/Tokyo"
    assert catalog.settings["app.tenant"] == "a=b"
    assert catalog.settings["search_path"] == "pg_catalog, other, public"
    assert catalog.search_path == ("pg_catalog", "public")
    assert catalog_of(superuser_dsn(url)).role_sets_replication_role


def test_a_role_that_may_not_ask_the_cluster_still_gets_an_identity(
    make_database: Callable[..., str], superuser_dsn: Callable[[str], str]
) -> None:
    url = make_database()
    with psycopg.connect(superuser_dsn(url), autocommit=True) as superuser:
        superuser.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")

    with psycopg.connect(url) as connection:
        target = Target(connection)
        first, second = identity(target), identity(target)

    assert first == second
    assert first.system_identifier.startswith("hash-")


def test_a_role_that_may_see_nothing_reads_the_same_tables(
    make_database: Callable[..., str], superuser_dsn: Callable[[str], str]
) -> None:
    url = make_database("CREATE SCHEMA secret; CREATE TABLE secret.t (a int DEFAULT 1, PRIMARY KEY (a))")
    with psycopg.connect(superuser_dsn(url), autocommit=True) as superuser:
        superuser.execute("ALTER SCHEMA secret OWNER TO pg_monitor; ALTER TABLE secret.t OWNER TO pg_monitor")
        whole = read(Target(superuser))

    assert catalog_of(url).tables == whole.tables


def test_who_holds_a_table_exclusively_is_named(make_database: Callable[..., str]) -> None:
    url = make_database(SCHEMA)
    with psycopg.connect(url) as holder, psycopg.connect(url) as connection:
        holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        connection.execute("SET lock_timeout = '50ms'")
        connection.commit()

        with pytest.raises(Blocked) as blocked:
            read(Target(connection))
        with pytest.raises(Blocked):
            sizes(Target(connection), [named("t")])

        assert f"public.t by process {holder.info.backend_pid} since 20" in str(blocked.value)
        assert connection.info.transaction_status == TransactionStatus.IDLE
        holder.rollback()
        assert read(Target(connection)).tables[named("t")].column("a") is not None


def test_a_size_that_nobody_may_see_is_estimated(make_database: Callable[..., str]) -> None:
    url = make_database("CREATE TABLE t (a) AS SELECT generate_series(1, 5000)")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE t")
        pages = connection.execute("SELECT relpages FROM pg_class WHERE relname = 't'").fetchone()
        connection.execute("SET lock_timeout = '50ms'")
        with psycopg.connect(url) as holder:
            holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            table = read(Target(connection)).tables[named("t")]

    assert table.estimated_rows == 5000
    assert pages is not None
    assert table.size_bytes == pages[0] * 8192 > 0


def test_sizes_are_of_those_that_exist(make_database: Callable[..., str]) -> None:
    with psycopg.connect(make_database(SCHEMA), autocommit=True) as connection:
        found = sizes(Target(connection), [named("parent"), named("parent_pkey"), named("nowhere")])

    assert found == {named("parent"): 16384, named("parent_pkey"): 8192}
