"""Filling in templates during a visit, with the names that were missing gathered for the run's history."""

from typing import Any, Final

import msgspec

from clarion.domain.records import MISSING, Scalar
from clarion.domain.templates import Rendered, Template, TemplateFailure, escapes
from clarion.domain.urls import render_url
from clarion.workflow.fields import FlatTemplate
from clarion.workflow.step import Visit

LARGEST_DATA: Final = 4_096
"""Bytes of an event's data as compact JSON, as from outside."""


class Filling:
    """Renders with the scope of one visit. Every method raises TemplateError when that cannot be done."""

    def __init__(self, visit: Visit) -> None:
        self._scope = visit.scope
        self._missing: set[str] = set()

    def text(self, template: Template) -> str:
        """Plain text."""
        return self.keep(template.render(self._scope, escapes.text))

    def url(self, template: Template) -> str:
        """An http(s) URL."""
        return self.keep(render_url(template, self._scope))

    def data(self, template: FlatTemplate, *, most: int = LARGEST_DATA) -> dict[str, Scalar]:
        """Flat data of at most `most` bytes as compact JSON.

        A text that is one output has its value, with its type, and is left out where that is missing.
        """
        values: dict[str, Scalar] = {}
        for name, part in template.items():
            if not isinstance(part, Template):
                values[name] = part
            elif not part.is_single_output:
                values[name] = self.text(part)
            else:
                value, missing = part.value(self._scope)
                self._missing.update(missing)
                if isinstance(value, str | int | float):
                    values[name] = value
                elif value is not MISSING:
                    raise TemplateFailure(f"{name} would be neither a text, a number nor a boolean")
        if len(msgspec.json.encode(values)) > most:
            raise TemplateFailure(f"the data is larger than {most} bytes")
        return values

    def keep(self, rendered: Rendered) -> str:
        """The text of what was rendered elsewhere."""
        self._missing.update(rendered.missing)
        return rendered.text

    def detail(self, **more: Any) -> dict[str, Any]:
        """What the history says beside `more`: the names that were missing."""
        return more | {"missing": sorted(self._missing)} if self._missing else more
