"""The named statements: each can be prepared, and none of the hot ones goes through a table."""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import apsw
import pytest

from clarion.store.sqlite.connection import connect
from clarion.store.sqlite.statements import load

AREAS = ("configuration", "engine", "erasing", "ingest", "jobs", "outbox", "reading", "retention", "workflows")

WALKS = {
    ("configuration", "generation"): {"generation"},
    ("configuration", "next_generation"): {"generation"},
    ("configuration", "probe"): {"generation"},
    ("configuration", "sites"): {"sites"},
    ("configuration", "keys"): {"api_keys"},
    ("configuration", "secrets"): {"secrets"},
    ("configuration", "site_keys"): {"site_keys"},
    ("configuration", "segments"): {"segments"},
    ("engine", "take"): {"inbox"},  # from its beginning, up to the limit
    ("engine", "bytes"): {"inbox"},  # likewise
    ("engine", "fitting"): {"inbox"},  # likewise
    ("engine", "workflow_states"): {"workflow_states"},
    ("engine", "site_states"): {"site_states"},
    ("engine", "segment_states"): {"segment_states"},
    ("engine", "sweeps"): {"sweeps"},
    ("engine", "held_workflows"): {"w"},
    ("ingest", "forget_all_claims"): {"event_ids"},
    ("jobs", "jobs"): {"jobs"},  # of all sites, the newest: nobody asks for them often
    ("jobs", "jobs_running"): {"jobs"},  # by an index that has no others
    ("outbox", "holds"): {"holds"},
    ("reading", "poisoned"): {"poisoned"},
    ("reading", "lag"): {"inbox", "outbox"},  # the ends of the one, and up to the limit of the other
    ("reading", "waiting"): {"inbox", "outbox"},
    ("reading", "waiting_events"): {"inbox"},  # from its beginning, up to the limit
    ("retention", "forget_explanations"): {"explanations"},  # from its beginning, up to the limit
    ("retention", "forget_events"): {"log"},
    ("retention", "log_last"): {"log"},  # its end
    ("retention", "list_snapshots"): {"snapshots", "p"},  # from place to place
    # A snapshot has all there is, a row at a time.
    ("retention", "sites"): {"site_states"},
    ("retention", "workflows"): {"workflow_states"},
    ("retention", "segments"): {"segment_states"},
    ("retention", "sweeps"): {"sweeps"},
    ("retention", "profiles"): {"profiles"},
    ("retention", "subscribers"): {"subscribers"},
    ("retention", "memory"): {"entry_memory"},
    ("retention", "runs"): {"runs"},
    ("workflows", "workflows"): {"w"},
}
"""Statements that may go through a table, and which (or its alias)."""

TABLES = (
    "inbox|log|event_ids|poisoned|profiles|subscribers|runs|entry_memory|explanations|deliveries|outbox|counters|sites|api_keys|secrets"
    "|workflows|workflow_drafts|generation|snapshots|site_keys|segments|segment_states|sweeps|jobs|holds"
)


INDEXES = {
    ("engine", "facts"): {"runs_failed", "runs_goals", "runs_waiting", "subscribers_by_profile"},
    ("engine", "runs_behind"): {"runs_by_version"},
    ("engine", "held_runs"): {"runs_held"},
    ("engine", "held_workflows"): {"runs_held"},
    ("engine", "ripe"): {"profiles_recheck", "runs_due"},
    ("erasing", "erase_explanations"): {"explanations_by_profile"},
    ("engine", "erase_outbox"): {"deliveries_by_profile"},
    ("engine", "erase_deliveries"): {"deliveries_by_profile"},
    ("engine", "erase_runs"): {"runs_by_profile"},
    ("engine", "erase_subscribers"): {"subscribers_by_profile"},
    ("jobs", "jobs_of_site"): {"jobs_by_site"},
    ("jobs", "forget_jobs"): {"jobs_over"},
    ("outbox", "next_held"): {"outbox_held"},
    ("outbox", "any_held"): {"outbox_held"},
    ("reading", "subscribers_of"): {"subscribers_by_profile"},
    ("workflows", "run_counts"): {"runs_by_version"},
    ("retention", "forget_deliveries"): {"deliveries_ended"},
    ("retention", "forget_runs"): {"runs_over"},
    ("retention", "runs"): {"runs_goals"},
    ("reading", "events_newest"): {"log_events"},
    ("reading", "events_about"): {"log_by_profile"},
    ("reading", "poisoned_of_site"): {"poisoned_by_site"},
    ("reading", "poisoned_events_about"): {"poisoned_by_site"},
    ("reading", "runs_of_site"): {"runs_by_workflow"},
    ("reading", "runs_of_workflow"): {"runs_by_workflow"},
    ("reading", "explanations_about"): {"explanations_by_profile"},
    ("reading", "explanations_of_profile"): {"explanations_by_profile"},
}
"""The indexes that were made for a statement."""

JSON = {"rows", "named", "profiles", "runs", "memory", "joining", "claims", "claimed", "returned", "moved", "sequences"}
"""Parameters that are arrays."""


@pytest.fixture
def database() -> Iterator[apsw.Connection]:
    opened = connect(Path(":memory:"))
    opened.execute((resources.files("clarion.store.sqlite") / "schema.sql").read_text(encoding="utf-8"))
    yield opened
    opened.close()


def plan_of(database: apsw.Connection, sql: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":(\w+)", sql))
    return [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, values)]


def all_statements() -> list[tuple[str, str, str]]:
    return [(area, name, sql) for area in AREAS for name, sql in load(area).items()]


@pytest.mark.parametrize(("area", "name", "sql"), all_statements(), ids=lambda part: part if len(part) < 30 else "")
def test_a_statement_finds_its_rows_by_an_index(area: str, name: str, sql: str, database: apsw.Connection) -> None:
    plan = plan_of(database, sql)
    walked = {match[1] for step in plan if (match := re.match(rf"SCAN ({TABLES}|[a-z])\b(?! VIRTUAL)", step))}
    walked |= {match[1] for step in plan if (match := re.match(r"SEARCH (\w+) USING .*(?:INDEX \w+|KEY) \(partition=\?\)", step))}
    derived = set(re.findall(r"FROM (?:concerned|picked|started) AS (\w)\b", sql)) | set(re.findall(r"\) AS (\w)\b", sql))
    assert walked - derived == WALKS.get((area, name), set())


@pytest.mark.parametrize(("area", "name"), sorted(INDEXES))
def test_an_index_is_used_for_what_it_was_made(area: str, name: str, database: apsw.Connection) -> None:
    used = {match[1] for step in plan_of(database, load(area)[name]) if (match := re.search(r"INDEX (\w+_\w+) \(", step))}
    assert used >= INDEXES[area, name]


@pytest.mark.parametrize(
    ("area", "name", "sql"), [one for one in all_statements() if one[0] in ("engine", "erasing", "ingest", "outbox", "retention")]
)
def test_a_statement_is_prepared_once_whatever_is_asked(area: str, name: str, sql: str, database: apsw.Connection) -> None:
    """Preparing `facts` takes twenty times as long as running it."""
    ended: list[dict[str, Any]] = []
    database.trace_v2(apsw.SQLITE_TRACE_PROFILE, ended.append)
    for number in range(3):
        values = {key: b"[]" if key in JSON else b"" if key in ("bodies", "body") else number for key in re.findall(r":(\w+)", sql)}
        database.execute(sql, values).fetchall()
    assert ended[-1]["stmt_status"]["SQLITE_STMTSTATUS_REPREPARE"] == 0


def test_a_name_is_given_once_in_an_area() -> None:
    for area in AREAS:
        text = (resources.files("clarion.store.sqlite") / "queries" / f"{area}.sql").read_text(encoding="utf-8")
        assert len(re.findall(r"^-- name:", text, re.MULTILINE)) == len(load(area))
