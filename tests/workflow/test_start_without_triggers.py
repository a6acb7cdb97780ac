"""A workflow that listens for no event: `start_workflow` steps and broadcasts start it."""

import pytest

from clarion.domain.records import Event, Profile, Scope
from clarion.workflow.explain.outline import outline
from clarion.workflow.program import compile_program
from clarion.workflow.source import DocumentInvalid, canonical, read_document
from clarion.workflow.start import ACTIVE, consider

TEXT = "workflow: w\nstart: {}\nsteps: []"
AUDIENCE = TEXT.replace("{}", "{audience: {field: profile.x, op: exists}}")


def test_it_is_valid_and_listens_for_nothing() -> None:
    program = compile_program(read_document(TEXT), 1)
    assert program.document.start.on == ()
    assert program.starts_on("go") == ()
    assert outline(canonical(program.document)).events == ()


@pytest.mark.parametrize(
    ("text", "problem"), [("{on: []}", "at least 1 member"), ("{on: }", "must be a list"), ("[]", "must be an object")]
)
def test_triggers_that_are_there_have_to_be_some(text: str, problem: str) -> None:
    with pytest.raises(DocumentInvalid, match=problem):
        read_document(TEXT.replace("{}", text))


def test_start_itself_is_required() -> None:
    with pytest.raises(DocumentInvalid, match="start: is required"):
        read_document("workflow: w\nsteps: []")


@pytest.mark.parametrize(("attributes", "verdict"), [({"x": 1}, "started"), ({}, "audience")])
def test_what_is_to_start_it_starts_it_for_its_audience(attributes: dict[str, int], verdict: str) -> None:
    event = Event("e", "PushEngage.Workflow.Start", profile_id="p", workflow="w")
    scope = Scope(event={}, entry={}, profile=Profile("n:p", {**attributes}))
    decision = consider(compile_program(read_document(AUDIENCE), 1), event, (), scope, [], lambda _: None, ACTIVE)
    assert decision.verdict.verdict == verdict
