"""Counts of what happened in workflows."""

import msgspec


class Count(msgspec.Struct, frozen=True):
    """By how much a counter of a workflow grew in an hour; of one partition."""

    site: int
    workflow: str
    version: int
    step: str
    """Empty for what concerns the whole workflow."""
    name: str
    """started, completed, entered, waiting, left, sent, viewed, clicked, failed, goals, value, …"""
    branch: str
    """Which way of a step, or which split path as `step/path`; empty where there is none."""
    hour: int
    """Start of the hour in UTC."""
    count: int
    """`waiting` also shrinks; `value` is in millionths."""


class CounterRow(msgspec.Struct, frozen=True):
    """A counter of a workflow, summed over partitions and over a period."""

    version: int
    step: str
    name: str
    branch: str
    start: int
    """Of the hour or day in UTC; 0 for a total."""
    count: int
