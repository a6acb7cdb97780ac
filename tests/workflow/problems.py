"""What a document is told."""

import pytest
from tests.workflow.builders import START

from clarion.workflow.source import DocumentInvalid, read_document, spell


def problems(text: str) -> list[tuple[str, str]]:
    """Place and message of everything that is wrong with a document that starts on the event `go`, in the order of its lines."""
    with pytest.raises(DocumentInvalid) as refused:
        read_document(START + text)
    return [(spell(one.path), one.message) for one in refused.value.problems]


def step_problems(step: str) -> list[tuple[str, str]]:
    """The same for a document of one step, whose places they leave out."""
    return [(path.removeprefix("steps[0]").lstrip("."), message) for path, message in problems(f"steps: [{step}]")]
