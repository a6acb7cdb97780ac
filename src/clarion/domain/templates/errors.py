"""What can be wrong with a template, and what can go wrong when it is filled in."""

from typing import Final

from clarion.domain.problems import Path

LONGEST_REASON: Final = 300


class TemplateProblem(ValueError):
    """A template that cannot be used; `str` says why, `path` says where inside a JSON body."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message[:LONGEST_REASON])
        self.path = path


class TemplateError(Exception):
    """A template could not be filled in; the step that wanted it fails with `reason`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason[:LONGEST_REASON]
        super().__init__(self.reason)


class TemplateLimit(TemplateError):
    """It wanted more than a template may use: output, work or memory."""


class TemplateFailure(TemplateError):
    """It asked for something that its data does not allow, such as a division by zero."""
