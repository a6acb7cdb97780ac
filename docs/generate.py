"""Writes the reference pages from the code: `python docs/generate.py`; with `--check` it only says which are out of date."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from clarion.api.openapi import openapi
from clarion.cli.app import app
from clarion.config import default_file
from clarion.engine.scenario_shapes import scenario_schema
from clarion.faults import POINTS
from clarion.workflow.source import json_schema

HERE = Path(__file__).parent
NOTE = "<!-- made by docs/generate.py; do not edit -->\n"


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    reference = HERE / "reference"
    return {
        reference / "http.md": http(openapi()),
        reference / "cli.md": cli(),
        reference / "settings.md": settings(),
        reference / "faults.md": faults(),
        reference / "workflow.schema.json": schema(json_schema()),
        reference / "scenario.schema.json": schema(scenario_schema()),
    }


def schema(value: dict[str, Any]) -> str:
    """A JSON Schema, indented."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def http(document: dict[str, Any]) -> str:
    """The routes."""
    lines = [
        NOTE,
        "# HTTP API\n",
        "All of it as OpenAPI 3.1: `GET /api/v1/openapi.json`. The key goes into the header `Api-Key`. Success is",
        '`{"error_code":0,"data":…}`, failure `{"error":{"message","code","details":[{"message","path"}]}}`.\n',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            lines.append(f"## {method.upper()} {path}\n")
            lines.append(operation["summary"] + ".\n")
            lines += _parameters(operation)
            body = operation.get("requestBody")
            if body:
                lines.append("Body: " + ", ".join(f"`{kind}`" for kind in body["content"]) + ".\n")
            lines.append("| status | meaning |")
            lines.append("|---|---|")
            lines += [f"| {status} | {answer['description']} |" for status, answer in operation["responses"].items()]
            lines.append("")
    return "\n".join(lines)


def _parameters(operation: dict[str, Any]) -> list[str]:
    given = operation.get("parameters", [])
    if not given:
        return []
    rows = [f"| `{one['name']}` | {one['in']} | {one['description']} |" for one in given]
    return ["| parameter | in | meaning |", "|---|---|---|", *rows, ""]


def cli() -> str:
    """The commands with their help."""
    command = typer.main.get_command(app)
    parts = [NOTE, "# Command line\n"]
    for name, one in _commands("clarion", command):
        parts.append(f"## {name}\n\n{(one.help or '').strip()}\n")
        rows = []
        for parameter in one.params:
            named = parameter.param_type_name == "option"
            shown = " ".join(parameter.opts) if named else (parameter.metavar or parameter.name.upper())
            rows.append(f"| `{shown}` | {getattr(parameter, 'help', None) or ''} |")
        if rows:
            parts.append("| | |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child, inner in children.items():
        yield from _commands(f"{name} {child}", inner)


def settings() -> str:
    """The annotated default file."""
    return (
        f"{NOTE}\n# Settings\n\n`clarion.toml` in the data directory, or `CLARION_…` variables. The annotated default file:\n\n```toml\n"
        f"{default_file().strip()}\n```\n"
    )


def faults() -> str:
    """The points at which crash tests kill."""
    return "\n".join(
        [
            NOTE,
            "# Fault points\n",
            "With `CLARION_FAULT=name` (or `name:N`) in its environment the process ends with SIGKILL the first (the Nth) time it reaches",
            "that point. For crash tests only.\n",
            *(f"- `{point}`" for point in POINTS),
            "",
        ]
    )


def main(check: bool) -> int:
    """Write the pages, or name those that differ."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if check:
            sys.stderr.write(f"{path.relative_to(HERE.parent)} is out of date: run make docs\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages()[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
