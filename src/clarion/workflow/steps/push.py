"""`push`: a message to each active subscriber of the profile."""

from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.problems import Path
from clarion.domain.templates import Rendered, Template, escapes
from clarion.domain.urls import render_url
from clarion.workflow.effects import PushEffect
from clarion.workflow.fields import Duration, TemplateText, Url
from clarion.workflow.shapes import Choice, Flag, ListOf, Object, Reading, Shape
from clarion.workflow.step import Forward, Leaf, Move, Visit

SECOND: Final = 1_000_000
LONGEST_TTL: Final = 28 * 86_400 * SECOND


class Action(msgspec.Struct, frozen=True):
    """A button of the notification."""

    title: Template
    url: Template


class Push(Leaf, msgspec.Struct, frozen=True, kw_only=True):
    """Renders the message and goes on at once."""

    kind: ClassVar[str] = "push"
    shape: ClassVar[Shape] = Object(
        {"title": TemplateText(most=500), "message": TemplateText(most=2000), "url": Url(whole=True)},
        {
            "icon": Url(whole=True),
            "image": Url(whole=True),
            "badge": Url(whole=True),
            "actions": ListOf(Object({"title": TemplateText(most=200), "url": Url(whole=True)}), most=2),
            "tag": TemplateText(most=200),
            "ttl": Duration(0, LONGEST_TTL, "must be at most 28d"),
            "urgency": Choice("very-low", "low", "normal", "high"),
            "require_interaction": Flag(),
        },
    )

    id: str
    title: Template
    message: Template
    url: Template
    icon: Template | None = None
    image: Template | None = None
    badge: Template | None = None
    actions: tuple[Action, ...] = ()
    tag: Template | None = None
    ttl: int = LONGEST_TTL
    """Microseconds."""
    urgency: str = "normal"
    require_interaction: bool = False

    @classmethod
    def build(cls, id: str, value: Any, path: Path, reading: Reading) -> "Push":
        actions = tuple(Action(**action) for action in value.get("actions", ()))
        return cls(id=id, **(value | {"actions": actions}))

    def enter(self, visit: Visit) -> Move:
        missing: list[str] = []

        def keep(rendered: Rendered) -> str:
            missing.extend(rendered.missing)
            return rendered.text

        def text(template: Template) -> str:
            return keep(template.render(visit.scope, escapes.text))

        def url(template: Template) -> str:
            return keep(render_url(template, visit.scope))

        def picture(template: Template | None) -> str | None:
            """A picture whose URL is not there is left out; the message goes all the same."""
            if template is None or (template.is_single_output and not text(template)):
                return None
            return url(template)

        visit.effects.append(
            PushEffect(
                visit.effect_id,
                self.id,
                title=text(self.title),
                message=text(self.message),
                url=url(self.url),
                icon=picture(self.icon),
                image=picture(self.image),
                badge=picture(self.badge),
                actions=tuple((text(action.title), url(action.url)) for action in self.actions),
                tag=None if self.tag is None else text(self.tag),
                ttl=self.ttl // SECOND,
                urgency=self.urgency,
                require_interaction=self.require_interaction,
            )
        )
        detail: dict[str, Any] = {"effect": visit.effect_id}
        if missing:
            detail["missing"] = sorted(set(missing))
        visit.note("push", detail)
        return Forward()
