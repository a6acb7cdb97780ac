"""Documents and ids that these tests share."""

import itertools

import msgspec
from tests.store.builders import NOW

from clarion.store.port import Store
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import Entry, EntryKind

HOUR = 3_600_000_000
DOCUMENT = """
# what we send after an hour
workflow: reminder
name: Reminder
start: {on: [{event: add_to_cart}]}
steps:
  - {id: hour, wait: {for: 1h}}
  - id: which
    decide:
      cases:
        - when: {field: event.price, op: gt, value: 20}
          steps:
            - {id: day, wait: {for: 1d}}
"""

_ids = itertools.count()


def new_id() -> str:
    return f"{next(_ids):032x}"


async def inbox(store: Store, kind: EntryKind) -> list[Entry]:
    """What the engine has not taken yet, of one kind."""
    return [entry for entry in (await store.take(0, 1_000, 0, 0)).entries if entry.kind is kind]


async def changes(store: Store) -> list[WorkflowChange]:
    """What the engine is told of workflows."""
    return [msgspec.json.decode(entry.body, type=WorkflowChange) for entry in await inbox(store, EntryKind.WORKFLOW)]


__all__ = ["DOCUMENT", "HOUR", "NOW", "changes", "inbox", "new_id"]
