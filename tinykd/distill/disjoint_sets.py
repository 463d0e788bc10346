"""Sets that are joined until everything known to be equal is in one (union-find; Galler and Fischer 1964)."""

from __future__ import annotations


class DisjointSets:
    """Of the numbers that `new` gives, from 0."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def __len__(self) -> int:
        return len(self._parents)

    def new(self) -> int:
        """A number in a set of its own."""
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def root(self, one: int) -> int:
        """The number that stands for the set of `one`."""
        while self._parents[one] != one:
            one = self._parents[one]
        return one

    def join(self, one: int, other: int) -> tuple[int, int] | None:
        """Make one set of two: the roots (kept, gone), the kept one that of `one`; None if they are one already."""
        kept, gone = self.root(one), self.root(other)
        if kept == gone:
            return None
        self._parents[gone] = kept
        return kept, gone
