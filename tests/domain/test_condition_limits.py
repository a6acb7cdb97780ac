"""The limits of conditions, from both sides; the schema draws the same lines as the reader wherever a schema can."""

from typing import Any

import jsonschema
import pytest

from clarion.domain.conditions import condition_schema, parse_condition

from .scopes import seeing

ROW = {"field": "event.price", "op": "gte", "value": 20}
SCHEMA = jsonschema.Draft202012Validator({"$ref": "#/$defs/condition", "$defs": {"condition": condition_schema()}})


def problems(raw: object) -> list[str]:
    return [f"{problem.path}: {problem.message}" for problem in parse_condition(raw, (), {"react"})[1]]


def row(op: str, value: object) -> dict[str, object]:
    return {"field": "event.x", "op": op, "value": value}


SOUND: list[Any] = [
    *({"field": "event.x", "op": op} for op in ("exists", "not_exists")),
    *(row(op, value) for op in ("eq", "ne") for value in ("", "x" * 4096, "\ud7ff\ue000", 0, 1.5, True)),
    *(row(op, value) for op in ("gt", "gte", "lt", "lte") for value in (0, -1.5)),
    *(row(op, value) for op in ("in", "nin") for value in (["a"], [1, "a", True, 1.5], ["a"] * 1000)),
    *(row(op, "x" * 4096) for op in ("contains", "starts_with")),
    *(row(op, "2026-03-01") for op in ("before", "after")),
    *(row(op, "7d") for op in ("within_last", "not_within_last")),
    *(
        row(op, {"from": "entry.y"})
        for op in ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "starts_with", "before", "after")
    ),
    row("eq", {"from": "event." + "k" * 255}),
    {"field": "event." + "k" * 255, "op": "exists"},
    *({name: [ROW] * 200} for name in ("all", "any")),
    {"not": {"any": [ROW, {"not": {"all": [ROW]}}]}},
]

UNSOUND: list[Any] = [
    *(row(op, True) | {"extra": 1} for op in ("eq", "exists")),
    *({"field": "event.x", "op": op} for op in ("eq", "gt", "in", "contains", "before", "within_last")),
    *(row(op, True) for op in ("exists", "not_exists", "gt", "in", "contains", "before", "within_last")),
    *(row(op, None) for op in ("eq", "gt", "in", "contains", "before", "within_last")),
    *(row(op, ["a"]) for op in ("eq", "gt", "contains", "before", "within_last")),
    *(row(op, {"from": "entry.y", "to": 1}) for op in ("eq", "gt", "in", "contains", "before")),
    *(row(op, {}) for op in ("eq", "gt", "in", "contains", "before")),
    *(row(op, {"from": "entry.y"}) for op in ("within_last", "not_within_last")),
    *(row(op, value) for op in ("in", "nin") for value in ([], ["a"] * 1001, [None], [["a"]], "a")),
    *(row(op, "x" * 4097) for op in ("contains", "starts_with")),
    row("gt", "5"),
    {"field": "", "op": "exists"},
    {"field": 5, "op": "exists"},
    {"field": "event." + "k" * 315, "op": "exists"},
    row("eq", {"from": ""}),
    {"op": "exists"},
    {"field": "event.x"},
    {},
    [],
    *({name: []} for name in ("all", "any")),
    *({name: [held]} for name in ("all", "any") for held in (5, "x", ROW | {"op": "nope"}, {})),
    *({name: [ROW] * 201} for name in ("all", "any")),
    *({name: ROW} for name in ("all", "any")),
    *({name: [ROW], "field": "x"} for name in ("all", "any")),
    {"not": [ROW]},
    {"not": {}},
    {"not": ROW, "all": [ROW]},
]


@pytest.mark.parametrize("raw", SOUND, ids=str)
def test_what_is_sound_passes_reader_and_schema(raw: object) -> None:
    assert not problems(raw)
    SCHEMA.validate(raw)


@pytest.mark.parametrize("raw", UNSOUND, ids=str)
def test_what_is_unsound_passes_neither(raw: object) -> None:
    assert problems(raw)
    assert not SCHEMA.is_valid(raw)


def test_the_schema_bounds_fields_by_themselves() -> None:
    """A field of 320 characters fits into the schema, whatever the reader says of its key."""
    for place in ("field", "value"):
        for length, is_valid in ((1, True), (320, True), (321, False), (0, False)):
            field = "f" * length
            assert (
                SCHEMA.is_valid({"field": "a", "op": "eq", "value": 1} | {place: {"from": field} if place == "value" else field})
                is is_valid
            )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("=", "eq"), ("==", "eq"), ("equals", "eq"), ("is", "eq"), ("!=", "ne"), ("<>", "ne")),
        *((">", "gt"), (">=", "gte"), ("<", "lt"), ("<=", "lte"), ("start_with", "starts_with")),
    ],
)
def test_other_spellings_of_an_op_are_pointed_to_ours(written: str, meant: str) -> None:
    assert problems(row(written, 1)) == [f"('op',): unknown op '{written}' (did you mean '{meant}'?)"]


def test_lone_surrogates_are_refused() -> None:
    for character in ("\ud800", "\udbff", "\udc00", "\udfff", "\x00"):
        assert problems(row("eq", f"a{character}")) == ["('value',): must hold neither NUL nor lone surrogates"]


def test_depth_and_rows() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return ROW if levels == 1 else {"not": nested(levels - 1)}

    assert not problems(nested(20))
    assert problems(nested(21)) == [f"{('not',) * 20}: is nested more than 20 levels deep"]
    assert not problems({"all": [{"any": [ROW] * 100}, {"any": [ROW] * 100}]})
    assert problems({"all": [{"any": [ROW] * 100}, {"any": [ROW] * 101}]}) == [
        "('all', 1, 'any', 100): the condition has more than 200 rows"
    ]


def test_parts_are_counted_apart_from_rows() -> None:
    false = ROW | {"value": 21}
    chain: dict[str, Any] = false
    for _ in range(17):
        chain = {"not": chain}
    # 18 parts each, 55 times, and 9 more: with the root 1,000 parts, of which the last is read too
    parts = [chain] * 55 + [ROW] * 8 + [false]
    condition, found = parse_condition({"all": parts}, (), ())
    assert condition is not None
    assert not found
    verdict = condition.explain(seeing({"price": 20}))
    assert (verdict.ok, verdict.rows[verdict.decisive].path) == (False, ("all", 63))
    assert problems({"all": [*parts, ROW]}) == ["('all', 64): the condition has too many parts"]
    assert problems({"all": [*parts, ROW, ROW, 5]}) == ["('all', 64): the condition has too many parts"]


def test_problems_are_counted() -> None:
    assert len(problems({"all": [5] * 100})) == 100
    assert len(problems({"all": [5] * 101})) == 100


def test_only_some_of_the_keys_that_are_too_many_are_named() -> None:
    assert len(problems(ROW | {f"k{number}": 1 for number in range(300)})) == 100
    assert problems({"all": [ROW]} | {f"k{number}": 1 for number in range(9)}) == [
        "(): 'all' must stand alone, not beside 'k0', 'k1', 'k2', 'k3'"
    ]
    assert len(problems(row("eq", {f"k{number}": 1 for number in range(300)}))) == 11


def test_keys_are_cut_short_in_paths() -> None:
    long = "k" * 65
    assert parse_condition(ROW | {long: 1}, (), ())[1][0].path == ("k" * 64,)
    assert parse_condition(row("eq", {"from": "entry.y", long: 1}), (), ())[1][0].path == ("value", "k" * 64)


def test_parts_that_are_sound_do_not_hide_those_that_are_not() -> None:
    assert parse_condition({"not": ROW | {"op": "nope"}}, (), ())[0] is None
    assert problems({"field": "event.x", "op": "zzz", "value": 1}) == ["('op',): unknown op 'zzz'"]
    assert problems({"op": "eq", "value": 1}) == ["(): 'field' is required"]
    assert problems({"field": "nope.x", "op": "eq", "value": None}) == [
        "('field',): unknown field 'nope.x': a field starts with event, entry, profile, subscriber, segments, run or the id of a step",
        "('value',): must be a string, a number, true, false, or {from: <field>}",
    ]


def test_the_decisive_row_is_found_however_deep_it_lies() -> None:
    def of(number: int) -> dict[str, Any]:
        return {"field": "event.n", "op": "eq", "value": number}

    def decisive(raw: dict[str, Any]) -> Any:
        condition, _ = parse_condition(raw, (), ())
        assert condition is not None
        verdict = condition.explain(seeing({"n": 1}))
        assert verdict.ok is condition.evaluate(seeing({"n": 1}))
        return verdict.rows[verdict.decisive].path

    assert decisive({"any": [of(0), {"all": [of(1), of(1)]}]}) == ("any", 1, "all", 0)
    assert decisive({"any": [of(0), {"not": {"any": [of(2), of(3)]}}]}) == ("any", 1, "not", "any", 0)
    assert decisive({"all": [of(1), {"any": [of(0), of(2)]}]}) == ("all", 1, "any", 0)
    assert decisive({"all": [of(1), {"not": {"all": [of(1), of(1)]}}]}) == ("all", 1, "not", "all", 0)
    assert decisive({"all": [{"any": [of(0), of(1)]}, of(1)]}) == ("all", 0, "any", 1)
