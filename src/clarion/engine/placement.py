"""Which node should have which partitions, from the roster alone: every engine comes to the same answer, so nobody has to be asked."""

from collections.abc import Collection
from typing import Final, NamedTuple

from clarion.store.records.nodes import Roster

ENGINE: Final = "engine"
"""The role of those that own partitions."""


class Moves(NamedTuple):
    """What one node has to do now; both in order."""

    give: list[int]
    """More than its share: to be given up."""
    take: list[int]
    """Nobody's, or a dead node's, and its share: to be owned."""


def quotas(roster: Roster, partitions: int) -> dict[str, int]:
    """How many partitions each engine is to have: as even as can be.

    What does not divide goes to those that rank first: those that have one more than the rest already, so that nothing moves for it; among
    equals by id.
    """
    engines = _engines(roster)
    if not engines:
        return {}
    each, more = divmod(partitions, len(engines))
    has = dict.fromkeys(engines, 0)
    for owner in roster.owners.values():
        if owner in has:
            has[owner] += 1
    ranked = sorted(engines, key=lambda node: (has[node] <= each, node))
    return {node: each + (place < more) for place, node in enumerate(ranked)}


def moves(roster: Roster, me: str, held: Collection[int], leaving: Collection[int], partitions: int, *, spares: bool = False) -> Moves:
    """What the node `me` has to do, which runs the partitions `held`, or is about to, and is giving up those in `leaving`.

    With `spares` it takes nothing from the dead: they may be about to come back.
    """
    quota = quotas(roster, partitions)
    share = quota.get(me, 0)
    had = {partition for partition, owner in roster.owners.items() if owner == me}
    mine = sorted((had | {*held}) - {*leaving}, key=lambda partition: (partition not in held, partition))
    keep, give = mine[:share], mine[share:]
    take = [partition for partition in keep if partition not in held]
    if len(mine) < share:
        found = _vacant_for(roster, me, quota, partitions, spares=spares)
        take += [partition for partition in found if partition not in held and partition not in leaving][: share - len(mine)]
    return Moves(sorted(give), take)


def _vacant_for(roster: Roster, me: str, quota: dict[str, int], partitions: int, *, spares: bool) -> list[int]:
    """The partitions that nobody alive has and that fall to a node: each engine in turn is given as many as it lacks."""
    alive = set(roster.owners.values()) if spares else {node.id for node in roster.nodes}
    lacks = dict(quota)
    vacant: list[int] = []
    for partition in range(partitions):
        owner = roster.owners.get(partition)
        if owner is None or owner not in alive:
            vacant.append(partition)
        elif owner in lacks:
            lacks[owner] -= 1
    first = 0
    for node in quota:
        last = first + max(0, lacks[node])
        if node == me:
            return vacant[first:last]
        first = last
    return []


def _engines(roster: Roster) -> list[str]:
    return [node.id for node in roster.nodes if ENGINE in node.roles]
