"""The JSON Schema that each shape describes itself with, whole: editors and the console live on every keyword of it."""

from typing import Any

import pytest

from clarion.domain.conditions import condition_schema
from clarion.domain.durations import DURATION_PATTERN
from clarion.domain.system_events import LISTENABLE
from clarion.workflow import fields, shapes, times
from clarion.workflow.document import AgainShape, ExitShape, json_schema
from clarion.workflow.listener import ListenerShape
from clarion.workflow.nesting import Steps
from clarion.workflow.settings import FrequencyCapShape, SettingsShape

Schema = dict[str, Any]

CONDITION: Schema = {"$ref": "#/$defs/condition"}
DURATION: Schema = {"type": "string", "pattern": f"^(?:{DURATION_PATTERN})$", "examples": ["90s", "1h", "1d12h"]}
LONGER_THAN_NOTHING: Schema = DURATION | {"pattern": f"^(?=.*[1-9])(?:{DURATION_PATTERN})$"}
SLUG: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^(?:(?!(?:validate|plan)$)[a-z0-9][a-z0-9_-]*)$"}
STEP_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": "^(?:[A-Za-z0-9][A-Za-z0-9_-]*)$",
    "not": {"enum": ["entry", "event", "profile", "run", "secrets", "segments", "subscriber"]},
}
EVENT_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": r"\S",
    "anyOf": [{"enum": sorted(LISTENABLE)}, {"not": {"pattern": r"^PushEngage\."}}],
}
EVENT_FIELD: Schema = {"type": "string", "pattern": r"^event\.[A-Za-z0-9][A-Za-z0-9_-]{0,254}$"}
KEY: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^(?:[A-Za-z0-9][A-Za-z0-9_-]{0,254})$"}
SITE = "^[hH][tT][tT][pP][sS]?://[^/?#{}\\s]"
TIME: Schema = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", "examples": ["09:00", "18:30:15"]}
TIMEZONE: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "examples": ["subscriber", "site", "Europe/Berlin"]}
STEPS: Schema = {"type": "array", "items": {"$ref": "#/$defs/step"}, "maxItems": 500}


def closed(required: Schema, optional: Schema | None = None) -> Schema:
    """Of an object that has no other keys."""
    out: Schema = {"type": "object", "properties": required | (optional or {}), "additionalProperties": False}
    return out | {"required": list(required)} if required else out


LISTENER = closed({"event": EVENT_NAME}, {"where": CONDITION})
CAP = closed({"pushes": {"type": "integer", "minimum": 1, "maximum": 100}, "per": LONGER_THAN_NOTHING})
WINDOW = closed({"from": TIME, "to": TIME})
AGAIN: Schema = {"oneOf": [{"enum": ["always", "never"]}, closed({"after": LONGER_THAN_NOTHING})]}
EXIT: Schema = {"oneOf": [LISTENER, closed({"audience": CONDITION})]}
GOAL = closed(
    {"event": EVENT_NAME, "within": LONGER_THAN_NOTHING},
    {
        "where": CONDITION,
        "value": EVENT_FIELD,
        "attribution": {"enum": ["entry", "click", "view"]},
        "count": {"enum": ["first", "every"]},
    },
)
SETTINGS = closed({}, {"timezone": TIMEZONE, "quiet_hours": WINDOW, "frequency_cap": CAP, "goal": GOAL})
START = closed(
    {},
    {
        "on": {"type": "array", "items": LISTENER, "minItems": 1, "maxItems": 20},
        "audience": CONDITION,
        "key": EVENT_FIELD,
        "while_running": {"enum": ["ignore", "restart", "parallel"]},
        "again": AGAIN,
        "max_age": LONGER_THAN_NOTHING,
    },
)

LETTER = shapes.Text(most=3, pattern="[ab]+")

SHAPES: list[tuple[shapes.Shape, Schema]] = [
    (shapes.Text(most=3), {"type": "string", "minLength": 1, "maxLength": 3}),
    (shapes.Text(least=0, most=3, pattern="a|b"), {"type": "string", "minLength": 0, "maxLength": 3, "pattern": "^(?:a|b)$"}),
    (shapes.Choice("a", "b"), {"enum": ["a", "b"]}),
    (shapes.Whole(-2, 7), {"type": "integer", "minimum": -2, "maximum": 7}),
    (shapes.Flag(), {"type": "boolean"}),
    (shapes.ListOf(shapes.Flag(), most=4), {"type": "array", "items": {"type": "boolean"}, "minItems": 0, "maxItems": 4}),
    (shapes.ListOf(shapes.Flag(), least=2, most=4), {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4}),
    (
        shapes.MapOf(LETTER, shapes.Flag(), least=1, most=4),
        {
            "type": "object",
            "propertyNames": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^(?:[ab]+)$"},
            "additionalProperties": {"type": "boolean"},
            "minProperties": 1,
            "maxProperties": 4,
        },
    ),
    (shapes.Object(), {"type": "object", "properties": {}, "additionalProperties": False}),
    (
        shapes.Object({"a": shapes.Flag()}, {"b": shapes.Choice("x")}),
        {
            "type": "object",
            "properties": {"a": {"type": "boolean"}, "b": {"enum": ["x"]}},
            "additionalProperties": False,
            "required": ["a"],
        },
    ),
    (
        shapes.Object(optional={"a": shapes.Flag()}, least=1),
        {"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": False, "minProperties": 1},
    ),
    (fields.SLUG, SLUG),
    (fields.StepId(), STEP_ID),
    (fields.EventName(), EVENT_NAME),
    (fields.Duration(), DURATION),
    (fields.Duration(1), LONGER_THAN_NOTHING),
    (fields.ConditionTree(), CONDITION),
    (fields.EventField(), EVENT_FIELD),
    (fields.TemplateText(most=7), {"type": "string", "minLength": 1, "maxLength": 7}),
    (fields.TemplateText(least=0, most=7), {"type": "string", "minLength": 0, "maxLength": 7}),
    (fields.Url(whole=False), {"type": "string", "minLength": 1, "maxLength": 2048, "pattern": SITE}),
    (fields.Url(whole=True), {"type": "string", "minLength": 1, "maxLength": 2048, "pattern": SITE + r"|\{[{%]"}),
    (
        fields.FlatData(least=1),
        {
            "type": "object",
            "propertyNames": KEY,
            "additionalProperties": {"type": ["string", "number", "boolean"], "maxLength": 4096},
            "minProperties": 1,
            "maxProperties": 200,
        },
    ),
    (fields.JsonBody(), {"description": "Any JSON; strings may hold templates."}),
    (times.TimeOfDay(), TIME),
    (
        times.DaysShape(),
        {
            "type": "array",
            "items": {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            "minItems": 1,
            "maxItems": 7,
            "uniqueItems": True,
        },
    ),
    (times.WindowShape(), WINDOW),
    (times.TimezoneShape(), TIMEZONE),
    (times.DateText(most=9), {"type": "string", "minLength": 1, "maxLength": 9}),
    (ListenerShape(), LISTENER),
    (AgainShape(), AGAIN),
    (ExitShape(), EXIT),
    (FrequencyCapShape(), CAP),
    (SettingsShape(), SETTINGS),
    (Steps(), STEPS),
]


@pytest.mark.parametrize(("shape", "schema"), SHAPES, ids=[type(shape).__name__ for shape, _ in SHAPES])
def test_a_shape(shape: shapes.Shape, schema: Schema) -> None:
    assert shape.schema() == schema


def test_the_whole_document() -> None:
    assert json_schema() == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Clarion workflow",
        "type": "object",
        "properties": {
            "workflow": SLUG,
            "start": START,
            "steps": STEPS,
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
            "exit": {"type": "array", "items": EXIT, "minItems": 0, "maxItems": 20},
            "settings": SETTINGS,
        },
        "additionalProperties": False,
        "required": ["workflow", "start", "steps"],
        "$defs": {"step": Steps.step_schema(), "condition": condition_schema()},
    }


def test_a_step_is_of_exactly_one_kind() -> None:
    assert Steps.step_schema().keys() == {"oneOf"}
    by_kind = {member["required"][1]: member for member in Steps.step_schema()["oneOf"]}
    reason = {"type": "string", "minLength": 1, "maxLength": 200}
    assert by_kind["exit"] == closed({"id": STEP_ID, "exit": {"anyOf": [closed({}, {"reason": reason}), {"type": "null"}]}})
    assert by_kind["stop_workflow"] == closed({"id": STEP_ID, "stop_workflow": closed({"workflow": SLUG})})
    assert len(by_kind) == 12
