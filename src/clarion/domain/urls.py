"""URLs made from templates."""

import re
from typing import Final

from clarion.domain.hosts import parse_authority
from clarion.domain.records import Scope
from clarion.domain.templates import Rendered, Template, TemplateFailure, escapes

LONGEST: Final = 4096

_START = re.compile(r"(https?)://([^/?#]*)", re.IGNORECASE)


def url_problem(url: str) -> str | None:
    """Why a text is no absolute http(s) URL that may be called or opened; None if it is one."""
    if len(url) > LONGEST:
        return f"the URL is longer than {LONGEST} characters"
    if any(character <= " " or character in "\x7f\\" for character in url):
        return "the URL holds a space, a control character or a backslash"
    start = _START.match(url)
    if start is None:
        return "the URL must start with http:// or https://"
    try:
        parse_authority(start[1].lower(), start[2])
    except ValueError as error:
        return f"the {error}"
    return None


def render_url(template: Template, scope: Scope) -> Rendered:
    """Render a URL: values are percent-encoded, but for a template of one output, whose value is the whole URL.

    Raises TemplateFailure when the outcome is no http(s) URL, TemplateError when it cannot be rendered.
    """
    rendered = template.render(scope, escapes.text if template.is_single_output else escapes.url)
    problem = url_problem(rendered.text)
    if problem:
        raise TemplateFailure(problem)
    return rendered
