"""URLs made from templates."""

from urllib.parse import urlsplit

from clarion.domain.records import Scope
from clarion.domain.templates import Rendered, Template, TemplateFailure, escapes

LONGEST = 4096


def url_problem(url: str) -> str | None:
    """Why a text is no absolute http(s) URL that may be called or opened; None if it is one."""
    if len(url) > LONGEST:
        return f"the URL is longer than {LONGEST} characters"
    if any(character <= " " or character == "\x7f" for character in url):
        return "the URL holds a space or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the URL is malformed"
    if parts.scheme.lower() not in ("http", "https"):
        return "the URL must start with http:// or https://"
    if not parts.hostname or port == 0:
        return "the URL names no host"
    if parts.username is not None or parts.password is not None:
        return "the URL must not hold a user name or password"
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
