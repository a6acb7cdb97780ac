"""Documents and people for the core's tests."""

import pytest
from tests.workflow.builders import START, ProgramOf

from clarion.domain.records import Profile, Subscriber
from clarion.workflow.advance import Person
from clarion.workflow.program import Program, compile_program
from clarion.workflow.source import read_document


@pytest.fixture
def program() -> ProgramOf:
    """Compiles steps (and more keys) below a start on the event `go`."""

    def make(text: str) -> Program:
        return compile_program(read_document(START + text), 1)

    return make


@pytest.fixture
def person() -> Person:
    profile = Profile("n:p", {"first_name": "Ann", "vip": True}, ("newsletter",))
    return Person(profile, Subscriber("d1", "n:p", "https://push.example/1", "k", "a", created=1, last_active=1))
