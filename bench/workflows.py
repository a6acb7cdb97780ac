"""The workflows of (c) and (e): some listen for the event that is sent, the others for events that never come."""

from pathlib import Path
from typing import Final

from bench.generator import EVENT

COUNT: Final = 20

_DOCUMENT: Final = """
workflow: @SLUG@
start:
  on:
    - event: @EVENT@
      where: {all: [{field: event.price, op: gte, value: 20}]}
steps:
  - id: call
    http:
      url: "http://127.0.0.1:@PORT@/hook"
      body:
        number: "{{ number }}"
        text: "{{ product_name || Something }} was ordered for {{ price }}."
"""


def document(number: int, event: str, sink: int) -> str:
    """A workflow that listens for an event; its `http` step calls the sink's port."""
    return _DOCUMENT.replace("@SLUG@", f"bench-{number}").replace("@EVENT@", event).replace("@PORT@", str(sink))


def write_workflows(directory: Path, sink: int) -> list[Path]:
    """Write the documents of (c)."""
    files = []
    for number in range(COUNT):
        file = directory / f"workflow-{number}.yaml"
        file.write_text(document(number, EVENT if number == COUNT // 2 else f"other_{number}", sink))
        files.append(file)
    return files
