-- name: named
-- Relations that a word may mean: by their own name, or by that of an index, a constraint, a sequence, a
-- trigger, a statistics object, a publication, or of a type or function that they are made with.
SELECT c.oid FROM pg_catalog.pg_class c
 WHERE c.relname = ANY (%(words)s::name[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
UNION
SELECT i.indrelid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
 WHERE c.relname = ANY (%(words)s::name[])
UNION
SELECT k.conrelid FROM pg_catalog.pg_constraint k
 WHERE k.conname = ANY (%(words)s::name[]) AND k.conrelid <> 0
UNION
SELECT t.tgrelid FROM pg_catalog.pg_trigger t
  LEFT JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.oid >= 16384
 WHERE NOT t.tgisinternal AND (t.tgname = ANY (%(words)s::name[]) OR p.proname = ANY (%(words)s::name[]))
UNION
SELECT s.stxrelid FROM pg_catalog.pg_statistic_ext s WHERE s.stxname = ANY (%(words)s::name[])
UNION
SELECT d.refobjid FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
   AND d.refclassid = 'pg_catalog.pg_class'::regclass
 WHERE c.relname = ANY (%(words)s::name[]) AND c.relkind = 'S'
UNION
SELECT f.adrelid FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
   AND d.classid = 'pg_catalog.pg_attrdef'::regclass
  JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
 WHERE c.relname = ANY (%(words)s::name[]) AND c.relkind = 'S'
UNION
SELECT a.attrelid FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_type u ON t.oid IN (u.oid, u.typelem, u.typbasetype)
  JOIN pg_catalog.pg_attribute a ON a.atttypid = u.oid AND NOT a.attisdropped
 WHERE t.typname = ANY (%(words)s::name[]) AND t.oid >= 16384
UNION
SELECT r.prrelid FROM pg_catalog.pg_publication p
  JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
 WHERE p.pubname = ANY (%(words)s::name[])

-- name: tied
-- Relations that a change of these may reach: by inheritance, by a foreign key's actions, by a view's reading.
SELECT h.inhrelid AS oid FROM pg_catalog.pg_inherits h WHERE h.inhparent = ANY (%(oids)s::oid[])
UNION
SELECT h.inhparent FROM pg_catalog.pg_inherits h WHERE h.inhrelid = ANY (%(oids)s::oid[])
UNION
SELECT k.conrelid FROM pg_catalog.pg_constraint k
 WHERE k.confrelid = ANY (%(oids)s::oid[])
   AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
UNION
SELECT w.ev_class FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
 WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
   AND d.refobjid = ANY (%(oids)s::oid[])

-- name: beside
-- Relations that these point at, that point at these, or that have a constraint of the same name.
SELECT k.confrelid AS oid FROM pg_catalog.pg_constraint k
 WHERE k.conrelid = ANY (%(oids)s::oid[]) AND k.confrelid <> 0
UNION
SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.confrelid = ANY (%(oids)s::oid[])
UNION
SELECT o.conrelid FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_constraint o ON o.conname = k.conname AND o.connamespace = k.connamespace AND o.conrelid <> 0
 WHERE k.conrelid = ANY (%(oids)s::oid[])

-- name: pointed_at
-- What foreign keys of these point at: their columns' names have to be known.
SELECT k.confrelid AS oid FROM pg_catalog.pg_constraint k
 WHERE k.conrelid = ANY (%(oids)s::oid[]) AND k.confrelid <> 0
