"""The golden cases of the wire."""

from pathlib import Path
from typing import Any

import msgspec
import pytest


class Case(msgspec.Struct, frozen=True):
    """One line of a corpus: a request and the exact answer."""

    name: str
    headers: dict[str, str]
    body: str
    status: int
    response: dict[str, Any]

    def header(self, name: str) -> str | None:
        return next((value for field, value in self.headers.items() if field.lower() == name), None)


def corpus() -> list[Case]:
    lines = [
        line for file in ("track-event.jsonl", "more-cases.jsonl") for line in (Path(__file__).parent / file).read_bytes().splitlines()
    ]
    return [msgspec.json.decode(line, type=Case) for line in lines]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes `case` every golden case."""
    if "case" in metafunc.fixturenames:
        cases = corpus()
        metafunc.parametrize("case", cases, ids=[case.name for case in cases])
