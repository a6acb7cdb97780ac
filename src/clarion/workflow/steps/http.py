"""`http`: a signed request to a URL."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.problems import Path
from clarion.domain.templates import JsonTemplate, Template, escapes
from clarion.domain.urls import render_url
from clarion.workflow.effects import HttpEffect
from clarion.workflow.fields import JsonBody, TemplateText, Url
from clarion.workflow.run import EXITED, FAILED
from clarion.workflow.shapes import Choice, Flag, MapOf, Object, Reading, Shape, Text, printable
from clarion.workflow.step import End, Forward, Leaf, Move, Sleep, Visit

OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"}
)
"""Headers that belong to the connection; `webhook-…` belong to the signature."""
LINE_BREAKS: Final = re.compile(r"[\r\n\t]+")

SENT: Final = "sent"
"""The outcome of a request that was answered with 2xx; every other one is a failure."""


def _contradictions(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    headers = value.get("headers")
    for name in headers if isinstance(headers, dict) else ():
        if str(name).lower() in OURS or str(name).lower().startswith("webhook-"):
            yield ("headers", printable(str(name))), "is set by Clarion and cannot be given"
    if "body" in value and value.get("method") == "GET":
        yield ("body",), "a GET request has no body"
    if "on_error" in value and value.get("await", False) is False:
        yield ("on_error",), "needs await: true, for the step does not wait for the outcome"


class Http(Leaf, msgspec.Struct, frozen=True):
    """Renders the request, which delivery sends, and goes on at once or, with `awaits`, when its final outcome is known."""

    kind: ClassVar[str] = "http"
    shape: ClassVar[Shape] = Object(
        {"url": Url(whole=False, secrets=True)},
        {
            "method": Choice("GET", "POST", "PUT", "PATCH", "DELETE"),
            "headers": MapOf(
                Text(most=100, pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", says="is no HTTP header name"),
                TemplateText(most=2000, secrets=True),
                most=30,
            ),
            "body": JsonBody(secrets=True),
            "await": Flag(),
            "on_error": Choice("continue", "exit", "fail"),
        },
        check=_contradictions,
    )

    id: str
    url: Template
    method: str = "POST"
    headers: dict[str, Template] = {}
    body: JsonTemplate | None = None
    awaits: bool = False
    on_error: str = "continue"
    """What follows on a failure: continue, exit, fail."""

    @classmethod
    def build(cls, id: str, value: Any) -> "Http":
        return cls(id=id, **{"awaits" if name == "await" else name: part for name, part in value.items()})

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
        visit.effects.append(
            HttpEffect(visit.effect_id, self.id, method=self.method, url=url.text, headers=headers, body=body, awaits=self.awaits)
        )
        detail: dict[str, Any] = {"effect": visit.effect_id}
        if missing:
            detail["missing"] = sorted(set(missing))
        visit.note("awaiting" if self.awaits else "http", detail)
        return Sleep(None) if self.awaits else Forward()

    def wake(self, visit: Visit) -> Move:
        """The outcome is there."""
        output = visit.output or {}
        outcome = output.get("outcome")
        if outcome == SENT or self.on_error == "continue":
            return Forward()
        if self.on_error == "exit":
            return End(EXITED, "http failed")
        status = output.get("status")
        said = f" with status {status}" if status is not None else ""
        return End(FAILED, f"step {self.id}: the request failed{said}" if outcome == "failed" else f"step {self.id}: the request {outcome}")

    def rejoin(self, visit: Visit) -> Move | None:
        """A request that is under way, or was answered during a pause, is not made again."""
        if visit.output is not None and "outcome" in visit.output:
            return Forward()
        if visit.run.awaits is None:
            return None
        return Sleep(None) if self.awaits else Forward()
