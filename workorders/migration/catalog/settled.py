"""The server's functions that give the same for the same arguments for as long as a few settings stay.

The catalog calls them STABLE, and `now()` or a function that reads a table as well: `to_json`
writes a time as `TimeZone` wants it and reads nothing else. The server's documentation tells the
two kinds apart (chapter 9, "Functions and Operators").
"""

from __future__ import annotations

#: What the results of `BY_SETTINGS` hang on beside the arguments.
SETTINGS = ("TimeZone", "DateStyle", "IntervalStyle", "lc_monetary", "lc_numeric", "lc_time")

#: By unqualified name; all in pg_catalog.
BY_SETTINGS = frozenset(
    {"array_to_json", "array_to_string", "concat", "concat_ws", "date", "date_add", "date_part", "date_trunc"}
    | {"date_subtract", "enum_first", "enum_last", "enum_range", "extract", "format", "json_build_array"}
    | {"json_build_object", "jsonb_build_array", "jsonb_build_object", "length", "make_timestamptz"}
    | {"overlaps", "quote_literal", "quote_nullable", "row_to_json", "timestamp", "timestamptz", "timetz"}
    | {"timezone", "to_char", "to_date", "to_json", "to_jsonb", "to_number", "to_timestamp"}
)
