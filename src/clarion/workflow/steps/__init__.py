"""What each kind of step does; one module a kind."""

from typing import Final

from clarion.workflow.step import Step, StepKinds
from clarion.workflow.steps.exit import Exit
from clarion.workflow.steps.http import Http
from clarion.workflow.steps.push import Push
from clarion.workflow.steps.wait import Wait

_ALL: Final[tuple[type[Step], ...]] = (Wait, Push, Http, Exit)

KINDS: Final[StepKinds] = {kind.kind: kind for kind in _ALL}
"""By the key that names the kind in a document."""
