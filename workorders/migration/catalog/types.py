"""Types and the casts between them: what may become of a value, without asking the server again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from workorders.migration.names import RelationName, quoted

_MODIFIERS = re.compile(r"\([^)]*\)")

#: `typcategory` of types that any value can be written into as text.
_STRINGS = "S"

#: Where the name without a length would mean the length 1.
_ANY_LENGTH = {"character": "pg_catalog.bpchar", "bit": "pg_catalog.varbit"}

#: Types without an equality that the server could look up.
_WITHOUT_EQUALITY = frozenset({"json", "xml", "point", "line", "path", "polygon", "box", "circle", "lseg"})


@dataclass(frozen=True, kw_only=True)
class Cast:
    """From one type to another, both as `format_type` writes them, without modifiers."""

    source: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Types:
    """What a database knows of types; arrays follow from their elements."""

    #: As `format_type` writes them under an empty search path, by name.
    names: Mapping[RelationName, str] = field(default_factory=dict)
    #: `typcategory`, by written name.
    categories: Mapping[str, str] = field(default_factory=dict)
    #: The types that domains are made of.
    bases: Mapping[str, str] = field(default_factory=dict)
    casts: frozenset[Cast] = frozenset()
    #: Those that an assignment makes by itself.
    assignments: frozenset[Cast] = frozenset()
    #: Those that change no bit (`castmethod` b).
    free: frozenset[Cast] = frozenset()

    def written(self, names: Sequence[str], search_path: Sequence[str]) -> str | None:
        """How the server writes a type that a script names; None where there is none."""
        found = self.named(names, search_path)
        return None if found is None else self.names[found]

    def named(self, names: Sequence[str], search_path: Sequence[str]) -> RelationName | None:
        """Which type a script names; None where there is none."""
        schemas = names[:-1] or ("pg_catalog", *search_path)
        there = (RelationName(schema=schema, name=names[-1]) for schema in schemas)
        return next((each for each in there if each in self.names), None)

    def with_type(self, name: RelationName, category: str = "E") -> Types:
        """The types with one more, of that `typcategory`: an enum by default."""
        written = written_name(name)
        return replace(
            self,
            names={**self.names, name: written},
            categories={**self.categories, written: category},
        )

    def with_domain(self, name: RelationName, base: str) -> Types:
        """The types with a domain more over another, as that is written."""
        more = self.with_type(name, self.categories.get(bare(base), ""))
        return replace(more, bases={**more.bases, written_name(name): base})

    def renamed(self, old: RelationName, new: RelationName) -> Types:
        """The types with one of them under another name."""
        was, now = written_name(old), written_name(new)

        def called(text: str) -> str:
            return now if text == was else text

        def recast(casts: frozenset[Cast]) -> frozenset[Cast]:
            return frozenset(Cast(source=called(e.source), target=called(e.target)) for e in casts)

        return Types(
            names={new if name == old else name: called(text) for name, text in self.names.items()},
            categories={called(text): category for text, category in self.categories.items()},
            bases={called(text): called(base) for text, base in self.bases.items()},
            casts=recast(self.casts),
            assignments=recast(self.assignments),
            free=recast(self.free),
        )

    def without(self, name: RelationName) -> Types:
        """The types without one of them."""
        return replace(self, names={each: text for each, text in self.names.items() if each != name})

    def can_be_assigned(self, source: str, target: str) -> bool:
        """Whether a value becomes one of the other type without an explicit cast."""
        one, other = self._base(source), self._base(target)
        if one.endswith("[]") and other.endswith("[]"):
            return self.can_be_assigned(one[:-2], other[:-2])
        return one == other or Cast(source=one, target=other) in self.assignments or self._is_string(other)

    def can_be_cast(self, source: str, target: str) -> bool:
        """Whether there is any cast, through text if need be."""
        one, other = self._base(source), self._base(target)
        if one.endswith("[]") and other.endswith("[]"):
            return self.can_be_cast(one[:-2], other[:-2])
        return (
            one == other
            or Cast(source=one, target=other) in self.casts
            or self._is_string(one)
            or self._is_string(other)
        )

    def has_equality(self, type_name: str) -> bool:
        """Whether two values of it can be equal without being the same to the bit."""
        return self._base(type_name).removesuffix("[]") not in _WITHOUT_EQUALITY

    def is_built_in(self, type_name: str) -> bool:
        """Whether it, or what it is an array of, comes with the server: no script can drop it."""
        name = bare(type_name).removesuffix("[]")
        return any(found.schema == "pg_catalog" and written == name for found, written in self.names.items())

    def is_domain(self, type_name: str) -> bool:
        """Whether it is a domain; an array of one is none."""
        return bare(type_name) in self.bases

    def base(self, type_name: str) -> str:
        """What a domain stands on in the end, as a column may have it that takes all of its values."""
        name = self._base(type_name)
        return _ANY_LENGTH.get(name, name)

    def _is_string(self, bare_name: str) -> bool:
        return self.categories.get(bare_name) == _STRINGS

    def _base(self, type_name: str) -> str:
        name = bare(type_name)
        while name in self.bases:
            name = bare(self.bases[name])
        return name


def bare(type_name: str) -> str:
    """A type's name without its modifiers: `timestamp(3) with time zone` is `timestamp with time zone`."""
    return _MODIFIERS.sub("", type_name)


def written_name(name: RelationName) -> str:
    """How the server writes a type of this name while its schema is not in the search path."""
    return f"{plain(name.schema)}.{plain(name.name)}"


def plain(name: str) -> str:
    """As `quote_ident` would write it."""
    return name if name.isidentifier() and name.islower() and name.isascii() else quoted(name)
