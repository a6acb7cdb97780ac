"""The workflows of (c): one listens for the event that is sent, the others for events that never come."""

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


def write_workflows(directory: Path, sink: int) -> list[Path]:
    """Write the documents; their `http` steps call the sink's port."""
    files = []
    for number in range(COUNT):
        event = EVENT if number == COUNT // 2 else f"other_{number}"
        file = directory / f"workflow-{number}.yaml"
        file.write_text(_DOCUMENT.replace("@SLUG@", f"bench-{number}").replace("@EVENT@", event).replace("@PORT@", str(sink)))
        files.append(file)
    return files
