"""What can be wrong with a template, and what can go wrong when it is filled in."""

from collections.abc import Sequence
from typing import Final

from clarion.domain.problems import Path, Problem

LONGEST_REASON: Final = 300


class TemplateProblem(ValueError):
    """A template that cannot be used; `str` says why, `path` says where inside a JSON body. `problems` has every reason, that one first."""

    def __init__(self, message: str, path: Path = (), more: Sequence[Problem] = ()) -> None:
        super().__init__(message[:LONGEST_REASON])
        self.path = path
        self.problems = (Problem(path, str(self)), *more)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "TemplateProblem":
        """One for several reasons, of which there is at least one."""
        first, *more = problems
        return cls(first.message, first.path, more)


class TemplateError(Exception):
    """A template could not be filled in; the step that wanted it fails with `reason`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason[:LONGEST_REASON]
        super().__init__(self.reason)


class TemplateLimit(TemplateError):
    """It wanted more than a template may use: output, work or memory."""


class TemplateFailure(TemplateError):
    """It asked for something that its data does not allow, such as a division by zero."""
