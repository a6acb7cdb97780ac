"""The named statements: each can be prepared, and none of the hot ones goes through a table."""

import re
from importlib import resources

import apsw
import pytest

from clarion.store.sqlite.statements import load

AREAS = ("configuration", "engine", "ingest", "outbox", "reading", "workflows")

WALKS = {
    ("configuration", "generation"): {"generation"},
    ("configuration", "next_generation"): {"generation"},
    ("configuration", "probe"): {"generation"},
    ("configuration", "sites"): {"sites"},
    ("configuration", "keys"): {"api_keys"},
    ("configuration", "secrets"): {"secrets"},
    ("engine", "take"): {"inbox"},  # from its beginning, up to the limit
    ("engine", "workflow_states"): {"workflow_states"},
    ("engine", "site_states"): {"site_states"},
    ("ingest", "forget_claims"): {"event_ids"},  # likewise
    ("ingest", "forget_explanations"): {"explanations"},
    ("outbox", "hold"): {"outbox"},  # a pause or a resume is rare
    ("outbox", "stale"): {"o"},
    ("outbox", "release"): {"outbox"},
    ("reading", "poisoned"): {"poisoned"},
    ("reading", "waiting"): {"inbox", "outbox"},
    ("workflows", "workflows"): {"workflows"},
}
"""Statements that may go through a table, and which (or its alias)."""

TABLES = (
    "inbox|log|event_ids|poisoned|profiles|subscribers|runs|entry_memory|explanations|deliveries|outbox|counters|sites|api_keys|secrets"
    "|workflows|workflow_drafts|generation"
)


def all_statements() -> list[tuple[str, str, str]]:
    return [(area, name, sql) for area in AREAS for name, sql in load(area).items()]


@pytest.mark.parametrize(("area", "name", "sql"), all_statements(), ids=lambda part: part if len(part) < 30 else "")
def test_a_statement_finds_its_rows_by_an_index(area: str, name: str, sql: str) -> None:
    database = apsw.Connection(":memory:")
    database.execute((resources.files("clarion.store.sqlite") / "schema.sql").read_text(encoding="utf-8"))
    values = dict.fromkeys(re.findall(r":(\w+)", sql))
    plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, values)]
    walked = {match[1] for step in plan if (match := re.match(rf"SCAN ({TABLES}|[a-z])\b(?! VIRTUAL)", step))}
    walked |= {match[1] for step in plan if (match := re.match(r"SEARCH (\w+) USING .*(?:INDEX \w+|KEY) \(partition=\?\)", step))}
    derived = set(re.findall(r"FROM (?:concerned|picked|started) AS (\w)\b", sql)) | set(re.findall(r"\) AS (\w)\b", sql))
    assert walked - derived == WALKS.get((area, name), set())


def test_a_name_is_given_once_in_an_area() -> None:
    for area in AREAS:
        text = (resources.files("clarion.store.sqlite") / "queries" / f"{area}.sql").read_text(encoding="utf-8")
        assert len(re.findall(r"^-- name:", text, re.MULTILINE)) == len(load(area))
