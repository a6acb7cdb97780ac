"""Which node sees to which partition first, without a word between them: rendezvous hashing."""

from collections.abc import Iterable
from hashlib import blake2b


class Spreading:
    """Of each partition the live node with the highest score is the first; when one comes or goes, only its own share moves."""

    def __init__(self) -> None:
        self._scores: dict[str, list[bytes]] = {}

    def first_of(self, me: str, nodes: Iterable[str], partitions: int) -> frozenset[int]:
        """The partitions that are `me`'s among `nodes`; all of them where `me` is not among them."""
        known = {node: self._scores.get(node) or _scores(node, partitions) for node in nodes}
        self._scores = known
        mine = known.get(me)
        if mine is None:
            return frozenset(range(partitions))
        others = [scores for node, scores in known.items() if node != me]
        return frozenset(number for number in range(partitions) if all(mine[number] > scores[number] for scores in others))


def _scores(node: str, partitions: int) -> list[bytes]:
    name = node.encode()
    return [blake2b(name, digest_size=8, salt=number.to_bytes(4, "big")).digest() for number in range(partitions)]
