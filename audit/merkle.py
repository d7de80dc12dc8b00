"""Rules: the Merkle tree over the hashes of a stretch of the chain (RFC 9162, section 2.1). No database.

A tree of three leaves; an odd node moves up as it is:

        root
       /    \\
     n01     c
    /   \\
   a     b
"""

from collections.abc import Sequence

from audit.verifier import node


class Tree:
    """The tree over `hashes`, which may not be none."""

    def __init__(self, hashes: Sequence[str]) -> None:
        """Build every level, from the leaves up to the root.

        Raises:
            ValueError: there is no hash, or one is not hex.
        """
        if not hashes:
            raise ValueError("a tree without leaves has no root")
        self._levels = [[node(bytes.fromhex(hash_)) for hash_ in hashes]]
        while len(level := self._levels[-1]) > 1:
            pairs = [node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
            self._levels.append(pairs + level[len(pairs) * 2 :])

    @property
    def root(self) -> str:
        """The root, in hex."""
        return self._levels[-1][0].hex()

    def path(self, index: int) -> list[str]:
        """Return the proof that leaf `index` is in the tree: the siblings on the way up, in hex.

        Raises:
            IndexError: there is no such leaf.
        """
        if not 0 <= index < len(self._levels[0]):
            raise IndexError(index)
        steps = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                steps.append(level[sibling].hex())
            index //= 2
        return steps
