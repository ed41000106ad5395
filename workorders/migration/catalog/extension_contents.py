"""What well-known extensions bring, for a script that creates one and uses it at once.

An extension that is there already is read from the catalog; what one will bring, no catalog tells.
Source: each extension's script, at the versions that come with Postgres 18, and pgvector 0.8,
PostGIS 3.6. All are written and read as text; casts are listed where an assignment makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: `typcategory` of strings and of types of their own.
_STRING, _USER = "S", "U"


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What one extension brings."""

    types: tuple[str, ...] = ()
    #: Functions that give the same for the same, and write nothing.
    immutable: tuple[str, ...] = ()
    category: str = _USER
    #: Types of the server whose values an assignment makes into the first of `types`.
    assigned: tuple[str, ...] = ()
    #: Types of the server whose values are values of the first of `types` as they are.
    free: tuple[str, ...] = ()
    #: What `assigned` says, by an explicit cast.
    cast: tuple[str, ...] = ()
    #: Types of the server that its own values are cast to.
    cast_to: tuple[str, ...] = ()


EXTENSION_CONTENTS: Mapping[str, Brought] = {
    "citext": Brought(
        types=("citext",),
        category=_STRING,
        assigned=("boolean", "inet"),
        free=("text", "character varying"),
    ),
    "cube": Brought(types=("cube",)),
    "hstore": Brought(
        types=("hstore",),
        immutable=(
            *("akeys", "avals", "defined", "each", "exist", "hstore", "hstore_to_json", "hstore_to_jsonb"),
            *("skeys", "slice", "svals"),
        ),
        cast=("text[]",),
        cast_to=("json", "jsonb"),
    ),
    "intarray": Brought(types=("query_int",)),
    "isn": Brought(types=("ean13", "isbn13", "ismn13", "issn13", "isbn", "ismn", "issn", "upc")),
    "ltree": Brought(
        types=("ltree", "lquery", "ltxtquery"),
        immutable=("index", "lca", "ltree2text", "nlevel", "subltree", "subpath", "text2ltree"),
    ),
    "pg_trgm": Brought(immutable=("show_trgm", "similarity", "strict_word_similarity", "word_similarity")),
    "pgcrypto": Brought(
        immutable=(
            "armor",
            "crypt",
            "dearmor",
            "decrypt",
            "decrypt_iv",
            "digest",
            "encrypt",
            "encrypt_iv",
            "hmac",
        )
    ),
    "postgis": Brought(types=("geometry", "geography", "box2d", "box3d")),
    "seg": Brought(types=("seg",)),
    "uuid-ossp": Brought(
        immutable=("uuid_generate_v3", "uuid_generate_v5", "uuid_nil", "uuid_ns_dns", "uuid_ns_url")
    ),
    "vector": Brought(
        types=("vector", "halfvec", "sparsevec"),
        assigned=("integer[]", "real[]", "double precision[]", "numeric[]"),
        cast_to=("real[]",),
    ),
}
