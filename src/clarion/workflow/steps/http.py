"""`http`: a signed request to a URL."""

import re
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.problems import Path
from clarion.domain.templates import JsonTemplate, Template, escapes
from clarion.domain.urls import render_url
from clarion.workflow.effects import HttpEffect
from clarion.workflow.fields import JsonBody, TemplateText, Url
from clarion.workflow.shapes import INVALID, Choice, Invalid, MapOf, Object, Reading, Shape, Text
from clarion.workflow.step import Forward, Leaf, Move, Visit

OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect"})
LINE_BREAKS: Final = re.compile(r"[\r\n\t]+")


class Http(Leaf, msgspec.Struct, frozen=True, kw_only=True):
    """Renders the request and goes on at once; delivery sends it."""

    kind: ClassVar[str] = "http"
    shape: ClassVar[Shape] = Object(
        {"url": Url(whole=False)},
        {
            "method": Choice("GET", "POST", "PUT", "PATCH", "DELETE"),
            "headers": MapOf(
                Text(most=100, pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", says="is no HTTP header name"), TemplateText(most=2000), most=30
            ),
            "body": JsonBody(),
        },
    )

    id: str
    url: Template
    method: str = "POST"
    headers: dict[str, Template] = {}
    body: JsonTemplate | None = None

    @classmethod
    def build(cls, id: str, value: Any, path: Path, reading: Reading) -> "Http | Invalid":
        sound = True
        for name in value.get("headers", {}):
            if name.lower() in OURS or name.lower().startswith("webhook-"):
                reading.note((*path, "headers", name), "is set by Clarion and cannot be given")
                sound = False
        if "body" in value and value.get("method") == "GET":
            reading.note((*path, "body"), "a GET request has no body")
            sound = False
        return cls(id=id, **value) if sound else INVALID

    def enter(self, visit: Visit) -> Move:
        url = render_url(self.url, visit.scope)
        missing = list(url.missing)
        headers = {}
        for name, template in self.headers.items():
            rendered = template.render(visit.scope, escapes.text)
            missing.extend(rendered.missing)
            headers[name] = LINE_BREAKS.sub(" ", rendered.text)
        body = None
        if self.body is not None:
            filled = self.body.render(visit.scope)
            missing.extend(filled.missing)
            body = filled.text
        visit.effects.append(HttpEffect(visit.effect_id, self.id, method=self.method, url=url.text, headers=headers, body=body))
        detail: dict[str, Any] = {"effect": visit.effect_id}
        if missing:
            detail["missing"] = sorted(set(missing))
        visit.note("http", detail)
        return Forward()
