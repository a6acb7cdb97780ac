"""The diagrams of the states page, read as graphs."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "states.md"
START = "[*]"
TRANSIENT = frozenset({"stepping", "moving"})
"""Nobody sees a run there."""

_EDGE = re.compile(r"\s*(\S+) --> (\w+)(?: : (.*))?")


class Diagram:
    """States and the ways between them, with what leads along each."""

    def __init__(self, text: str) -> None:
        groups: dict[str, list[str]] = {}
        edges: list[tuple[str, str, str]] = []
        inside: str | None = None
        for line in text.splitlines():
            if opens := re.fullmatch(r"\s*state (\w+) \{", line):
                inside = opens[1]
                groups[inside] = []
            elif line.strip() == "}":
                inside = None
            elif inside is not None:
                groups[inside].append(line.strip())
            elif edge := _EDGE.fullmatch(line):
                edges.append((edge[1], edge[2], edge[3] or ""))
        self.edges = [(one, other, label) for start, other, label in edges for one in groups.get(start, [start])]

    def leads(self, start: str, end: str, *, without: frozenset[str] = frozenset()) -> bool:
        """Whether a way of at least one edge leads there, through states in which nothing stays, or that are passed at once."""
        passing = (TRANSIENT | {"ready"}) - without
        seen: set[str] = set()
        reached = [start]
        while reached:
            here = reached.pop()
            for one, other, _ in self.edges:
                if one == here and other == end and other not in without:
                    return True
                if one == here and other in passing and other not in seen:
                    seen.add(other)
                    reached.append(other)
        return False

    def labelled(self) -> Mapping[tuple[str, str], str]:
        """By (state, label): the state that it leads to."""
        return {(one, label): other for one, other, label in self.edges}


@cache
def diagrams() -> tuple[Diagram, Diagram]:
    """Of a run and of a workflow."""
    run, workflow = re.findall(r"```mermaid\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return Diagram(run), Diagram(workflow)
