"""YAML from a repository, read with its line numbers.

What comes from a repository is untrusted: no tags, no anchors, no aliases, no depth, no
key twice, no key that nobody reads. Whatever is wrong raises `Unreadable` with the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from workorders.migration.errors import Unreadable
from workorders.nearest import did_you_mean
from workorders.report import named

#: A policy is three levels deep; more than this is an attack on the reader.
DEEPEST = 12

_STRING, _INTEGER, _FLOAT, _BOOLEAN, _NULL = (
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A value in a file and where it stands; lines and columns are 1-based."""

    #: How a sentence names the value: the keys that lead to it, e.g. `targets.shop.approvals`.
    path: str
    line: int
    column: int
    node: yaml.Node
    #: Lines of the file that stand above the YAML.
    lines_above: int = 0

    def wrong(self, reason: str, next_move: str) -> Unreadable:
        """An error that points here."""
        return Unreadable(reason, next_move, line=self.line, column=self.column)

    def _at(self, path: str, where: yaml.Node, value: yaml.Node) -> Place:
        mark = where.start_mark
        return Place(
            path=path,
            line=mark.line + 1 + self.lines_above,
            column=mark.column + 1,
            node=value,
            lines_above=self.lines_above,
        )

    def text(self, *, longest: int = 200) -> str:
        """Any plain value as it is written, so that a version 1.0 stays `1.0`."""
        node = self.node
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            raise self.wrong(
                f"{named(self.path)} is not a text.", f"Write {named(self.path.split('.')[-1] + ': ...')}."
            )
        if not node.value.strip():
            raise self.wrong(f"{named(self.path)} is empty.", "Give it a value or remove the key.")
        if len(node.value) > longest:
            raise self.wrong(f"{named(self.path)} has more than {longest} characters.", "Shorten it.")
        return str(node.value)

    def integer(self, low: int, high: int) -> int:
        """A whole number within the bounds, both included."""
        node = self.node
        if (
            not isinstance(node, yaml.ScalarNode)
            or node.tag != _INTEGER
            or not re.fullmatch(r"[0-9]{1,12}", node.value)
            or not low <= int(node.value) <= high
        ):
            raise self.wrong(
                f"{named(self.path)} is not a whole number from {low} to {high}.", f"Write {low}, say."
            )
        return int(node.value)

    def number(self, low: float, high: float) -> float:
        """A number within the bounds, both included."""
        node = self.node
        if (
            not isinstance(node, yaml.ScalarNode)
            or node.tag not in (_INTEGER, _FLOAT)
            or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", node.value)
            or not low <= float(node.value) <= high
        ):
            raise self.wrong(
                f"{named(self.path)} is not a number from {low:g} to {high:g}.", f"Write {low:g}, say."
            )
        return float(node.value)

    def flag(self) -> bool:
        """True or false, and none of YAML's older words for them."""
        node = self.node
        if (
            not isinstance(node, yaml.ScalarNode)
            or node.tag != _BOOLEAN
            or node.value not in ("true", "false")
        ):
            raise self.wrong(f"{named(self.path)} is neither true nor false.", "Write true or false.")
        return bool(node.value == "true")

    def choice(self, among: Iterable[str]) -> str:
        """One of the words."""
        known = tuple(among)
        word = self.text()
        if word not in known:
            raise self.wrong(f"{named(self.path)} cannot be {named(word)}.", did_you_mean(word, known))
        return word

    def items(self) -> tuple[Place, ...]:
        """The values of a list; an empty list has none."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong(
                f"{named(self.path)} is not a list.", f"Write it in brackets: {named('[one, other]')}."
            )
        return tuple(
            self._at(f"{self.path}[{index}]", node, node) for index, node in enumerate(self.node.value)
        )

    def entries(self) -> Mapping[str, Place]:
        """The values of a mapping by key, in the file's order. Raises for a key that stands twice."""
        if not isinstance(self.node, yaml.MappingNode):
            what = named(self.path) if self.path else "The file"
            raise self.wrong(
                f"{what} does not hold keys with values.", f"Write one {named('key: value')} a line."
            )
        found: dict[str, Place] = {}
        for key_node, value_node in self.node.value:
            key_place = self._at(self.path, key_node, key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise key_place.wrong(
                    "A key is not a plain word.", f"Write one {named('key: value')} a line."
                )
            key = str(key_node.value)
            if key in found:
                raise key_place.wrong(
                    f"The key {named(key)} stands twice, first in line {found[key].line}.",
                    "Remove one of the two.",
                )
            path = f"{self.path}.{key}" if self.path else key
            found[key] = self._at(path, key_node, value_node)
        return found

    def record(self, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Mapping[str, Place]:
        """Like `entries`, but raises for a missing or an unknown key, with the nearest that is known."""
        required = tuple(required)
        known = (*required, *optional)
        found = self.entries()
        for key, place in found.items():
            if key not in known:
                raise place.wrong(f"There is no key {named(place.path)}.", did_you_mean(key, known))
        for key in required:
            if key not in found:
                path = f"{self.path}.{key}" if self.path else key
                raise self.wrong(f"The key {named(path)} is missing.", f"Add a line {named(key + ': ...')}.")
        return found


def tree(text: str, *, first_line: int = 1) -> Place:
    """The root of a YAML document that begins in the given line of its file.

    Raises `Unreadable` for what is no YAML, for anchors, aliases and tags, and for more
    than one document.
    """
    shift = first_line - 1
    try:
        depth = 0
        # Events come one by one, so that depth is known before anything recurses over it.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            where = event.start_mark
            line, column = (0, 0) if where is None else (where.line + 1 + shift, where.column + 1)
            if getattr(event, "anchor", None) is not None:
                raise Unreadable(
                    "Anchors and aliases are not read.", "Write the value out.", line=line, column=column
                )
            if getattr(event, "tag", None) is not None:
                raise Unreadable(
                    "Tags are not read.",
                    f"Remove the word that begins with {named('!')}.",
                    line=line,
                    column=column,
                )
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                depth += 1
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                depth -= 1
            if depth > DEEPEST:
                raise Unreadable(
                    f"It is nested deeper than {DEEPEST}.", "Write it flatter.", line=line, column=column
                )
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(
            f"This is not YAML: {named(error.problem or error.context or 'it cannot be parsed')}.",
            "Check quotes, colons and the indentation there.",
            line=0 if mark is None else mark.line + 1 + shift,
            column=0 if mark is None else mark.column + 1,
        ) from error
    except yaml.YAMLError as error:
        # A reader error has no line, only a position: a character that YAML does not allow.
        raise Unreadable("This is not YAML: it holds a control character.", "Remove it.") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("This is not YAML.", "Check quotes, colons and the indentation.") from error
    if root is None:
        raise Unreadable(
            "It is empty.", f"Write one {named('key: value')} a line.", line=first_line, column=1
        )
    mark = root.start_mark
    return Place(path="", line=mark.line + 1 + shift, column=mark.column + 1, node=root, lines_above=shift)
