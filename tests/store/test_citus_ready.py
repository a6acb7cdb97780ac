"""One database's SQL fits for many (Citus): keys begin with `partition`, what is hot names one partition; and breaches are noticed."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import pytest
from tests.store.distribution import schema_violations, statement_violations
from tests.store.sql_tree import body, functions, is_dynamic, parameters, parsed

from clarion.store import postgres
from clarion.store.statements import load_statements

HERE: Final = Path(postgres.__file__).parent
DISTRIBUTED: Final = (HERE / "distributed.sql").read_text(encoding="utf-8")
LARGE: Final = frozenset(re.findall(r"create_distributed_table\('(\w+)', 'partition'", DISTRIBUTED))
SMALL: Final = frozenset(re.findall(r"create_reference_table\('(\w+)'\)", DISTRIBUTED))


class Exemption(NamedTuple):
    """Why something need not name one partition, and into which tables that lets it insert; none: it may do all."""

    reason: str
    inserts: tuple[str, ...] = ()


_CONSOLE: Final = Exemption("only the console and the command line read it")
_MESSAGES: Final = Exemption("messages to the inboxes of other partitions", ("inbox", "event_ids"))
_POLL: Final = Exemption("the slow look behind the hints, once a second")

EXEMPT: Final[Mapping[str, Exemption]] = MappingProxyType(
    {
        # The ingest insert, and messages.
        "ingest.append": Exemption("the ingest insert: a batch is of whatever partitions it is of"),
        "clarion_append": Exemption("the ingest insert, with claims"),
        "ingest.put": _MESSAGES,
        "clarion_emit": _MESSAGES,
        "clarion_end": _MESSAGES,
        # What is rare, or looks at all partitions because that is what it is for.
        "nodes.dirty": _POLL,
        "clarion_due": _POLL,
        "clarion_claimants": Exemption("looks for void claims, every quarter of a minute and when nodes come or go"),
        "clarion_beat": Exemption("says who owns what, once a second"),
        "clarion_leave": Exemption("a node ends"),
        "clarion_lags": Exemption("metrics, and limits of ingest, once a second"),
        "migrating.put_partitions": Exemption("a database is made"),
        "clarion_make_period": Exemption("a part of a table is made"),
        "clarion_clear_periods": Exemption("which parts have deliveries that have not ended, once an hour"),
        "clarion_drop_period": Exemption("a part of a table is dropped whole"),
        "workflows.run_counts": _CONSOLE,
        "workflows.sweep_counts": _CONSOLE,
        "checking.*": _CONSOLE,
        "events.*": _CONSOLE,
        "reading.*": _CONSOLE,
    }
)
"""Statements, as `area.name`, and functions. All others are on a hot path, or could as well be."""

QUERIES: Final = {
    f"{path.stem}.{name}": sql
    for path in sorted((HERE / "queries").glob("*.sql"))
    for name, sql in load_statements("clarion.store.postgres", path.stem).items()
}
SOURCES: Final = "\n".join(path.read_text(encoding="utf-8") for path in sorted((HERE / "functions").glob("*.sql")))
FUNCTIONS: Final = functions(SOURCES)
TEXTS: Final = {
    found[1]: found[0]
    for found in re.finditer(r"CREATE OR REPLACE FUNCTION (\w+)\(.*?(?=\nCREATE OR REPLACE FUNCTION|\Z)", SOURCES, re.DOTALL)
}


def exemption(name: str) -> Exemption | None:
    return EXEMPT.get(name) or EXEMPT.get(name.partition(".")[0] + ".*")


def remaining(name: str, violations: list[str]) -> list[str]:
    """Violations that nothing exempts."""
    known = exemption(name)
    if known is None:
        return violations
    excused = tuple(f"{name}: what is inserted into {table} is not of one partition" for table in known.inserts)
    return [wrong for wrong in violations if known.inserts and wrong not in excused]


def of_query(name: str, sql: str) -> list[str]:
    return [wrong for one in parsed(name, sql) for wrong in statement_violations(one, LARGE)]


def of_function(name: str, text: str, function: Any) -> list[str]:
    variables = [*parameters(function), *re.findall(r"\bv_\w+", text)]
    found = [wrong for one in body(name, text, function) for wrong in statement_violations(one, LARGE, variables)]
    return [*found, f"{name}: puts statements together"] if "LANGUAGE plpgsql" in text and is_dynamic(text) else found


def of_schema(sql: str) -> list[str]:
    return schema_violations(parsed("it", sql), {"large", "other"}, {"small"})


# -- what we have ----------------------------------------------------------------------------------------------------


def test_keys_begin_with_partition_and_nothing_reaches_across() -> None:
    files = sorted((HERE / "migrations").glob("*.sql"))
    statements = [one for path in files for one in parsed(path.name, path.read_text(encoding="utf-8"))]
    assert schema_violations(statements, LARGE, SMALL) == []


@pytest.mark.parametrize("name", QUERIES)
def test_a_statement_names_one_partition(name: str) -> None:
    assert remaining(name, of_query(name, QUERIES[name])) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_names_one_partition(name: str) -> None:
    assert remaining(name, of_function(name, TEXTS[name], FUNCTIONS[name])) == []


def test_every_exemption_is_needed() -> None:
    found = {name: of_query(name, sql) for name, sql in QUERIES.items()}
    found |= {name: of_function(name, TEXTS[name], function) for name, function in FUNCTIONS.items()}
    broken = {name for name, violations in found.items() if violations}
    assert [name for name in EXEMPT if not ({name} & broken or any(one.startswith(name.removesuffix("*")) for one in broken))] == []


def test_rows_of_several_shards_are_never_locked_at_once() -> None:
    """Which Citus refuses. `nodes` is a reference table."""
    exempt = [name for name, one in EXEMPT.items() if not one.inserts]
    texts = TEXTS | QUERIES
    assert [name for name in exempt if re.search(r"\bFOR (UPDATE|SHARE)\b", texts.get(name, ""))] == ["clarion_beat"]
    assert not [name for name, sql in QUERIES.items() if exemption(name) and re.search(r"\bFOR (UPDATE|SHARE)\b", sql)]


def test_what_works_on_one_partition_runs_where_that_is() -> None:
    spread = set(re.findall(r"create_distributed_function\('(\w+)'::regproc, 'p_partition', colocate_with => 'partitions'\)", DISTRIBUTED))
    assert spread == {name for name, function in FUNCTIONS.items() if parameters(function)[:1] == ["p_partition"]}


def test_what_those_call_is_on_every_node() -> None:
    copied = set(re.findall(r"create_distributed_function\('(\w+)'::regproc\)", DISTRIBUTED))
    spread = {name for name, function in FUNCTIONS.items() if parameters(function)[:1] == ["p_partition"]}
    called = {name for one in spread for name in FUNCTIONS if re.search(rf"\b{name}\(", TEXTS[one].partition("AS $$")[2])}
    assert called - spread == copied


def test_what_spreads_the_tables_is_sql() -> None:
    assert len(parsed("distributed.sql", DISTRIBUTED)) == len(LARGE) + len(SMALL) + DISTRIBUTED.count("create_distributed_function")


# -- that breaches are noticed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("CREATE TABLE large (partition int, id int, PRIMARY KEY (id, partition))", "a key of large does not begin with partition"),
        ("CREATE TABLE large (partition int, id int PRIMARY KEY)", "a key of large does not begin with partition"),
        ("CREATE TABLE large (partition int, id int)", "large has no primary key"),
        ("CREATE TABLE large (partition int, id int UNIQUE, PRIMARY KEY (partition, id))", "a key of large does not begin with partition"),
        (
            "CREATE TABLE large (partition int, id int, PRIMARY KEY (partition), UNIQUE (id))",
            "a key of large does not begin with partition",
        ),
        ("CREATE UNIQUE INDEX i ON large (id, partition)", "unique index i of large does not begin with partition"),
        ("ALTER TABLE large ADD CONSTRAINT u UNIQUE (id)", "a key of large does not begin with partition"),
        ("CREATE TABLE large (partition int PRIMARY KEY, id int REFERENCES other (id))", "large has a foreign key"),
        ("CREATE TABLE small (id int PRIMARY KEY, other int REFERENCES other (id))", "small has a foreign key"),
        ("ALTER TABLE small ADD FOREIGN KEY (id) REFERENCES large (id)", "small has a foreign key"),
        ("CREATE TRIGGER t AFTER INSERT ON large FOR EACH ROW EXECUTE FUNCTION f()", "there is a trigger or rule on large"),
        ("CREATE RULE r AS ON INSERT TO large DO NOTHING", "there is a trigger or rule on large"),
        ("CREATE TABLE small (partition int PRIMARY KEY)", "small has a partition and is not spread by it"),
        ("CREATE TABLE unknown (id int PRIMARY KEY)", "unknown is neither spread nor copied to every node"),
    ],
)
def test_a_breach_in_the_schema_is_noticed(sql: str, said: str) -> None:
    assert f"it: {said}" in of_schema(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE large (partition int, id int, PRIMARY KEY (partition, id), UNIQUE (partition, id))",
        "CREATE TABLE large (partition int PRIMARY KEY)",
        "CREATE TABLE small (id int PRIMARY KEY, name text UNIQUE)",
        "CREATE UNIQUE INDEX i ON large (partition, id)",
        "CREATE INDEX i ON large (id)",
    ],
)
def test_a_schema_that_keeps_the_rules_passes(sql: str) -> None:
    assert of_schema(sql) == []


def of_statement(sql: str) -> list[str]:
    [one] = parsed("it", sql)
    return statement_violations(one, {"runs", "inbox", "log"}, ("p_partition", "p_from", "v_row"))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM runs WHERE id = $1", "runs without partition = one value"),
        ("SELECT * FROM runs WHERE partition = ANY ($1)", "runs without partition = one value"),
        ("SELECT * FROM runs WHERE partition = $1 OR id = $2", "runs without partition = one value"),
        ("SELECT * FROM runs WHERE NOT partition = $1", "runs without partition = one value"),
        ("SELECT * FROM runs WHERE partition > $1", "runs without partition = one value"),
        ("SELECT * FROM runs WHERE partition = partition", "runs without partition = one value"),
        ("SELECT * FROM runs WHERE partition = unknown", "runs without partition = one value"),
        ("SELECT * FROM runs AS r JOIN log AS l ON l.id = r.id WHERE r.partition = $1", "log without partition = one value"),
        ("SELECT * FROM runs AS r JOIN log AS l ON l.partition = r.partition", "runs without partition = one value"),
        (
            "SELECT * FROM runs AS r, log AS l WHERE r.partition = $1 AND l.partition = $2 AND l.partition = r.partition",
            "several partitions",
        ),
        ("SELECT * FROM small WHERE EXISTS (SELECT FROM runs WHERE runs.id = small.id)", "runs without partition = one value"),
        ("SELECT (SELECT count(*) FROM inbox)", "inbox without partition = one value"),
        ("SELECT * FROM (SELECT * FROM runs) AS r WHERE r.partition = $1", "runs without partition = one value"),
        ("WITH a AS (SELECT * FROM runs) SELECT * FROM a WHERE partition = $1", "runs without partition = one value"),
        ("SELECT 1 FROM runs WHERE partition = $1 UNION SELECT 1 FROM log", "log without partition = one value"),
        ("SELECT * FROM unnest($1::int[]) AS a(partition) JOIN runs AS r ON r.partition = a.partition", "runs without partition"),
        (
            "SELECT * FROM unnest($1::int[]) AS a(p) CROSS JOIN LATERAL (SELECT * FROM runs WHERE partition = a.p) AS r",
            "runs without partition",
        ),
        ("UPDATE runs SET step = $1 WHERE id = $2", "runs without partition = one value"),
        ("UPDATE runs SET partition = $1 WHERE partition = $2", "runs has its partition changed"),
        ("UPDATE runs SET step = 'a' FROM log WHERE runs.partition = $1 AND log.id = runs.id", "log without partition = one value"),
        ("UPDATE runs SET step = 'a' WHERE partition = $1 AND due < clarion_now()", "clarion_now() in the condition of a change of runs"),
        ("DELETE FROM inbox WHERE position = $1", "inbox without partition = one value"),
        ("DELETE FROM inbox USING log WHERE inbox.partition = $1 AND log.sequence = inbox.position", "log without partition = one value"),
        ("INSERT INTO inbox VALUES ($1, $2)", "inbox is inserted into without naming partition"),
        ("INSERT INTO inbox (partition, id) VALUES ($1, 'a'), ($2, 'b')", "what is inserted into inbox is not of one partition"),
        (
            "INSERT INTO inbox (partition, id) SELECT p, i FROM unnest($1::int[], $2::text[]) AS e(p, i)",
            "inserted into inbox is not of one",
        ),
        (
            "INSERT INTO inbox (partition, id) SELECT e.partition, e.id FROM unnest($1::int[]) AS e(partition)",
            "inbox is not of one partition",
        ),
        ("INSERT INTO log (partition, id) SELECT partition, id FROM inbox", "inbox without partition = one value"),
    ],
)
def test_a_breach_in_a_statement_is_noticed(sql: str, said: str) -> None:
    assert said in "; ".join(of_statement(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM runs WHERE partition = $1",
        "SELECT * FROM runs WHERE $1 = runs.partition AND id = $2",
        "SELECT * FROM runs WHERE partition = p_partition AND (id = $1 OR id = $2)",
        "SELECT * FROM runs WHERE partition = v_row.partition",
        "SELECT * FROM runs WHERE partition = 0",
        "SELECT * FROM runs WHERE partition = $1::integer",
        "SELECT * FROM runs AS r JOIN log AS l ON l.partition = r.partition AND l.id = r.id WHERE r.partition = $1",
        "SELECT * FROM runs AS r LEFT JOIN log AS l ON l.partition = $1 AND l.id = r.id WHERE r.partition = $1",
        "SELECT * FROM small AS s JOIN runs AS r ON r.partition = $1 AND r.site = s.site",
        "SELECT * FROM runs AS r WHERE r.partition = $1 AND EXISTS (SELECT FROM log AS l WHERE l.partition = r.partition AND l.id = r.id)",
        "WITH a AS (SELECT * FROM runs WHERE partition = $1) SELECT * FROM a JOIN log AS l ON l.partition = a.partition",
        "SELECT * FROM unnest($1::text[]) AS a(id) CROSS JOIN LATERAL (SELECT * FROM runs WHERE partition = $2 AND id = a.id) AS r",
        "UPDATE runs SET step = $1 WHERE partition = $2",
        "UPDATE runs SET step = 'a' FROM log WHERE runs.partition = $1 AND log.partition = runs.partition",
        "DELETE FROM inbox USING log WHERE inbox.partition = $1 AND log.partition = $1",
        "INSERT INTO inbox (id, partition) VALUES ('a', $1), ('b', $1)",
        "INSERT INTO inbox (partition, id) SELECT p_partition, id FROM unnest($1::text[]) AS e(id)",
        "INSERT INTO log (partition, id) SELECT partition, id FROM inbox WHERE partition = $1",
        "WITH gone AS (DELETE FROM inbox WHERE partition = $1 RETURNING *) INSERT INTO log (partition, id) SELECT $1, id FROM gone",
        "SELECT * FROM small",
        "INSERT INTO small (id) VALUES ($1)",
    ],
)
def test_a_statement_that_keeps_the_rules_passes(sql: str) -> None:
    assert of_statement(sql) == []


def test_a_breach_inside_of_a_function_is_noticed() -> None:
    text = """CREATE OR REPLACE FUNCTION f(p_partition integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_row record;
    v_count bigint := (SELECT count(*) FROM poisoned);
BEGIN
    FOR v_row IN SELECT * FROM inbox LOOP
        UPDATE runs SET step = 'a' WHERE partition = p_partition AND id = v_row.id;
    END LOOP;
    IF EXISTS (SELECT FROM log) THEN
        PERFORM g(id) FROM profiles;
    END IF;
    v_count := v_count + (SELECT count(*) FROM counters);
    EXECUTE format('DELETE FROM %I', 'runs');
    RETURN (SELECT count(*) FROM deliveries);
END $$"""
    found = of_function("f", text, functions(text)["f"])
    tables = ("counters", "deliveries", "inbox", "log", "poisoned", "profiles")
    assert sorted(found) == sorted([*(f"f: {table} without partition = one value" for table in tables), "f: puts statements together"])


@pytest.mark.parametrize("text", ["AS $$ SELECT 1 FROM runs $$", "BEGIN ATOMIC SELECT 1 FROM runs; END", "RETURN (SELECT 1 FROM runs)"])
def test_a_breach_inside_of_an_sql_function_is_noticed(text: str) -> None:
    made = f"CREATE OR REPLACE FUNCTION f(p_partition integer) RETURNS integer LANGUAGE sql {text}"
    assert of_function("f", made, functions(made)["f"]) == ["f: runs without partition = one value"]


def test_messages_excuse_what_they_insert_and_nothing_else() -> None:
    name = "clarion_end"
    assert remaining(name, [f"{name}: what is inserted into inbox is not of one partition"]) == []
    for wrong in (f"{name}: what is inserted into log is not of one partition", f"{name}: inbox without partition = one value"):
        assert remaining(name, [wrong]) == [wrong]
