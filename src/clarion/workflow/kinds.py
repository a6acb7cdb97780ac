"""The kinds of steps by the key that names them in a document; `clarion.workflow.steps` fills it.

It stands apart because some kinds hold lists of steps of any kind.
"""

from typing import Final

from clarion.workflow.step import Step

KINDS: Final[dict[str, type[Step]]] = {}


def register(*kinds: type[Step]) -> None:
    """Make kinds of steps known, in the order in which messages and the schema list them."""
    KINDS.update((kind.kind, kind) for kind in kinds)
