"""Nodes: the processes that work on one database."""

import msgspec


class Node(msgspec.Struct, frozen=True):
    """One process, as it makes itself known."""

    id: str
    """Fresh with every start, so that nobody takes a process for the one before it."""
    roles: tuple[str, ...]
    """api, engine, delivery."""
    host: str = ""
    """Where it runs, for operators."""


class Roster(msgspec.Struct, frozen=True):
    """Who is there, and who owns what, as of one moment."""

    nodes: list[Node]
    """Those whose lease runs, by id."""
    owners: dict[int, str]
    """By partition: the id of the node that has it, also if that one's lease has run out; partitions that nobody has are missing."""
