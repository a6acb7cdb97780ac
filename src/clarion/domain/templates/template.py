"""Templates (semantics §4): compiled once, filled in from a scope.

Text with `{{ name }}` and `{{ name || default }}` is filled in directly; anything beyond goes through Liquid, which gives the
same for those forms.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

import msgspec

from clarion.domain.lookup import Finder
from clarion.domain.problems import Problem
from clarion.domain.records import MISSING, Scope
from clarion.domain.templates.errors import TemplateError, TemplateFailure, TemplateProblem
from clarion.domain.templates.escapes import Escape
from clarion.domain.templates.expressions import split_default
from clarion.domain.templates.limits import check_output
from clarion.domain.templates.marking import mark_secrets
from clarion.domain.templates.names import NAME, compile_name, name_problem
from clarion.domain.templates.scan import Piece, scan
from clarion.domain.templates.values import is_value, to_text

if TYPE_CHECKING:
    from clarion.domain.templates.liquid_source import Liquid


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A template filled in."""

    text: str
    missing: tuple[str, ...] = ()
    """Names that were missing and had no default, in order."""


class Template(ABC):
    """A template that was found sound; immutable, and safe to share."""

    __slots__ = ("_fields", "is_single_output", "secrets", "source")

    def __init__(self, source: str, pieces: list[Piece], fields: frozenset[str], secrets: frozenset[str]) -> None:
        self.source = source
        self.secrets = secrets
        """Names of the secrets whose marks its output may hold."""
        self.is_single_output = len(pieces) == 1 and pieces[0].kind == "output"
        """Whether it is one `{{ … }}` and nothing else, so that it has a value with a type."""
        self._fields = fields

    def referenced_fields(self) -> frozenset[str]:
        """The names that it takes from its scope; one with a computed part ends before it with `[]`."""
        return self._fields

    @abstractmethod
    def render(self, scope: Scope, escape: Escape) -> Rendered:
        """The text, at most 64 KiB, with every value escaped once. Raises TemplateError and nothing else."""

    @abstractmethod
    def value(self, scope: Scope) -> tuple[object, tuple[str, ...]]:
        """The value, with its type and unescaped, of a template that is a single output, MISSING where there is none.

        Beside it the names that were missing. Raises as `render` does.
        """


class DirectTemplate(Template):
    """Text and outputs of names with or without a default."""

    __slots__ = ("_parts",)

    def __init__(self, source: str, pieces: list[Piece], outputs: list[tuple[str, str | None]], secrets: frozenset[str]) -> None:
        super().__init__(source, pieces, frozenset(name for name, _ in outputs), secrets)
        named = iter(outputs)
        parts: list[str | tuple[Finder, str, str | None]] = []
        for piece in pieces:
            if piece.kind == "text":
                parts.append(piece.content)
            else:
                name, default = next(named)
                parts.append((compile_name(name), name, default))
        self._parts = tuple(parts)

    def render(self, scope: Scope, escape: Escape) -> Rendered:
        out: list[str] = []
        missing: list[str] = []
        try:
            for part in self._parts:
                if isinstance(part, str):
                    out.append(part)
                    continue
                find, name, default = part
                found = find(scope)
                if found.__class__ is str and found:
                    out.append(escape(found))
                elif default is not None:
                    out.append(escape(to_text(found) if is_value(found) else default))
                elif found is MISSING:
                    missing.append(name)
                else:
                    out.append(escape(to_text(found)))
            return Rendered(check_output("".join(out)), tuple(dict.fromkeys(missing)) if missing else ())
        except TemplateError:
            raise
        except Exception as error:  # no data may do worse than fail its step
            raise _unexpected(error) from error

    def value(self, scope: Scope) -> tuple[object, tuple[str, ...]]:
        (part,) = self._parts
        if isinstance(part, str):
            return MISSING, ()
        find, name, default = part
        found = find(scope)
        if default is not None:
            return (found if is_value(found) else default), ()
        return found, (name,) if found is MISSING else ()


class LiquidTemplate(Template):
    """Anything that Liquid has."""

    __slots__ = ("_liquid",)

    def __init__(self, source: str, pieces: list[Piece], liquid: "Liquid", secrets: frozenset[str]) -> None:
        super().__init__(source, pieces, liquid.names, secrets)
        self._liquid = liquid

    def render(self, scope: Scope, escape: Escape) -> Rendered:
        try:
            text, missing = self._liquid.render(scope, escape)
            return Rendered(check_output(text), missing)
        except TemplateError:
            raise
        except Exception as error:  # as above; RecursionError is met here too
            raise _unexpected(error) from error

    def value(self, scope: Scope) -> tuple[object, tuple[str, ...]]:
        try:
            return self._liquid.value(scope)
        except TemplateError:
            raise
        except Exception as error:  # as above
            raise _unexpected(error) from error


Refused = Callable[[str], str | None]
"""Why a sound name may not stand where a template does; None: it may."""


def compile_template(
    source: str, step_ids: Collection[str] | None = None, *, secrets: bool = False, refused: Refused = lambda _: None
) -> Template:
    """Compile a template of at most 16 KiB; raises TemplateProblem, and nothing else, for one that cannot be used.

    The problem tells of every name in it that cannot be used, if nothing else is wrong.

    `step_ids` are the steps whose fields it may name; without them, any first word may be a step's. A name outside of §3
    and of the steps can only be a data key or an attribute, which no one knows beforehand. With `secrets` it may hold plain
    outputs `{{ secrets.NAME }}`, each of which gives the secret's mark (`clarion.domain.secret_marks`).
    """
    pieces, marked = _pieces(source, secrets=secrets)
    outputs = _direct_outputs(pieces)
    if outputs is None:
        return _liquid(source, pieces, step_ids, marked, secrets=secrets, refused=refused)
    _check_names([name for name, _ in outputs], step_ids, secrets=secrets, refused=refused)
    return DirectTemplate(source, pieces, outputs, marked)


def compile_liquid(source: str, step_ids: Collection[str] | None = None, *, secrets: bool = False) -> Template:
    """`compile_template` without the direct way, for the test that both ways agree."""
    pieces, marked = _pieces(source, secrets=secrets)
    return _liquid(source, pieces, step_ids, marked, secrets=secrets, refused=lambda _: None)


def _pieces(source: str, *, secrets: bool) -> tuple[list[Piece], frozenset[str]]:
    """The pieces of a source, and the secrets that are marked in them."""
    pieces = scan(source)
    return mark_secrets(pieces) if secrets else (pieces, frozenset())


def _liquid(
    source: str, pieces: list[Piece], step_ids: Collection[str] | None, marked: frozenset[str], *, secrets: bool, refused: Refused
) -> LiquidTemplate:
    from clarion.domain.templates.liquid_source import Liquid, liquid_source  # it takes a while: only where it is needed

    liquid = Liquid(*liquid_source(pieces))
    _check_names(sorted(liquid.names), step_ids, secrets=secrets, refused=refused)
    return LiquidTemplate(source, pieces, liquid, marked)


def _check_names(names: Iterable[str], step_ids: Collection[str] | None, *, secrets: bool, refused: Refused) -> None:
    """Raise TemplateProblem for the names that cannot be used."""
    found = (name_problem(name, step_ids, secrets=secrets) or refused(name) for name in names)
    problems = [Problem((), problem) for problem in dict.fromkeys(found) if problem is not None]
    if problems:
        raise TemplateProblem.of(problems)


def _direct_outputs(pieces: list[Piece]) -> list[tuple[str, str | None]] | None:
    """Name and default of every output; None if something else is among the pieces."""
    outputs: list[tuple[str, str | None]] = []
    for piece in pieces:
        if piece.kind == "output":
            expression, default = split_default(piece.content)
            if not NAME.fullmatch(expression):
                return None
            outputs.append((expression, default))
        elif piece.kind == "tag":
            return None
    return outputs


def _unexpected(error: Exception) -> TemplateFailure:
    return TemplateFailure(f"cannot be filled in: {type(error).__name__}")
