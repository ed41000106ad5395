-- name: edges
-- Every dependency on a user's object that a DROP looks at.
SELECT d.refclassid::int8, d.refobjid::int8, d.refobjsubid, d.classid::int8, d.objid::int8, d.objsubid, d.deptype::text
  FROM pg_catalog.pg_depend d
 WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S')
   -- Below are the server's own objects; no table of a user's is among them.
   AND d.refobjid >= 16384
   AND d.refclassid <> 'pg_catalog.pg_namespace'::regclass

-- name: edges_down
-- The same of some objects, by what is needed.
SELECT d.refclassid::int8, d.refobjid::int8, d.refobjsubid, d.classid::int8, d.objid::int8, d.objsubid, d.deptype::text
  FROM pg_catalog.pg_depend d
 WHERE d.deptype IN ('n', 'a', 'i', 'P', 'S')
   AND d.refclassid <> 'pg_catalog.pg_namespace'::regclass
   AND d.refobjid = ANY (%(oids)s::oid[])

-- name: edges_up
-- What some objects are a part of.
SELECT d.refclassid::int8, d.refobjid::int8, d.refobjsubid, d.classid::int8, d.objid::int8, d.objsubid, d.deptype::text
  FROM pg_catalog.pg_depend d
 WHERE d.deptype IN ('a', 'i', 'P', 'S') AND d.refobjid >= 16384
   AND d.refclassid <> 'pg_catalog.pg_namespace'::regclass
   AND d.objid = ANY (%(oids)s::oid[])

-- name: described
-- Objects in words. A view's rule stands for the view, a default for its column.
SELECT x.classid AS class_given, x.objid AS object_given, x.objsubid AS sub_given,
       CASE WHEN k.contype = 'f' THEN 'foreign key'
            WHEN g.attgenerated <> '' THEN 'generated column'
            WHEN f.oid IS NOT NULL THEN 'default'
            WHEN u.oid IS NOT NULL THEN 'publication'
            ELSE (pg_catalog.pg_identify_object(y.classid, y.objid, y.objsubid)).type END AS kind,
       CASE WHEN u.oid IS NULL THEN pg_catalog.pg_describe_object(y.classid, y.objid, y.objsubid)
            ELSE pg_catalog.format('publication of table %%s in publication "%%s"', u.prrelid::pg_catalog.regclass,
                                   pg_catalog.replace(b.pubname, '"', '""')) END AS description,
       coalesce(w.ev_class, f.adrelid, k.conrelid, t.tgrelid, p.polrelid, u.prrelid,
                CASE WHEN x.classid = 'pg_catalog.pg_class'::regclass THEN x.objid END) AS of_relation,
       coalesce(w.rulename = '_RETURN', false) AS is_view
  FROM ROWS FROM (pg_catalog.unnest(%(classes)s::oid[]), pg_catalog.unnest(%(objects)s::oid[]),
                  pg_catalog.unnest(%(subs)s::int[])) AS x (classid, objid, objsubid)
  LEFT JOIN pg_catalog.pg_rewrite w ON x.classid = 'pg_catalog.pg_rewrite'::regclass AND w.oid = x.objid
  LEFT JOIN pg_catalog.pg_attrdef f ON x.classid = 'pg_catalog.pg_attrdef'::regclass AND f.oid = x.objid
  LEFT JOIN pg_catalog.pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum
  LEFT JOIN pg_catalog.pg_constraint k ON x.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = x.objid
  LEFT JOIN pg_catalog.pg_trigger t ON x.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = x.objid
  LEFT JOIN pg_catalog.pg_policy p ON x.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = x.objid
  LEFT JOIN pg_catalog.pg_publication_rel u
    ON x.classid = 'pg_catalog.pg_publication_rel'::regclass AND u.oid = x.objid
  LEFT JOIN pg_catalog.pg_publication b ON b.oid = u.prpubid
 CROSS JOIN LATERAL (
    SELECT CASE WHEN w.rulename = '_RETURN' OR f.oid IS NOT NULL THEN 'pg_catalog.pg_class'::regclass::oid
                ELSE x.classid END AS classid,
           CASE WHEN w.rulename = '_RETURN' THEN w.ev_class ELSE coalesce(f.adrelid, x.objid) END AS objid,
           CASE WHEN w.rulename = '_RETURN' THEN 0 ELSE coalesce(f.adnum::int, x.objsubid) END AS objsubid
 ) y

-- name: classes
-- The oid of pg_class, under which pg_depend knows tables and columns.
SELECT 'pg_catalog.pg_class'::regclass::oid::int8 AS relations
