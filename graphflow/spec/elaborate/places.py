"""Where nodes live: the names that they and their parameters are given."""

from __future__ import annotations

from dataclasses import dataclass


class Place:
    """Where a node lives: the path that names it, and the path that owns its parameters.

    The two differ inside an instance: every call has its own nodes, all share one owner.
    """

    def __init__(self, path: str, owner: str | None = None) -> None:
        self.path = path
        self.owner = path if owner is None else owner
        self._counts: dict[str, int] = {}

    def child(self, name: str) -> Place:
        """A named part of this place. A place without a name gives its parts no prefix."""
        return Place(_join(self.path, name), _join(self.owner, name))

    def counted(self, name: str) -> Place:
        """The place of a call nested in this node: numbered from the second on."""
        return self.child(self._count(name, "" if name not in self._counts else None))

    def ordinal(self, name: str) -> Place:
        """The place of a pipeline's item: numbered from 1."""
        return self.child(self._count(name, None))

    def turn(self, shared: bool, first: int) -> Place:
        """The place of one turn of a repeat; turns that share parameters have the first's owner."""
        count = self._counts["#turn"] = self._counts.get("#turn", -1) + 1
        owner = first if shared else count
        return Place(_join(self.path, str(count)), _join(self.owner, str(owner)))

    @property
    def next_turn(self) -> int:
        return self._counts.get("#turn", -1) + 1

    def _count(self, name: str, bare: str | None) -> str:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return name + (str(count) if bare is None else bare)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@dataclass(frozen=True)
class Slot:
    """Where the value of an expression goes: the node itself, or a name nested in it."""

    place: Place
    nested: bool = False

    def claim(self, name: str) -> Place:
        return self.place.counted(name) if self.nested else self.place

    def inside(self) -> Slot:
        return self if self.nested else Slot(self.place, True)
