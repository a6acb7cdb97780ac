"""`{{ secrets.NAME }}` in a scanned template: literal text that stands for the secret until it is sent."""

import re
from typing import Final

from clarion.domain.secret_marks import SECRET_NAME, mark
from clarion.domain.templates.errors import TemplateProblem
from clarion.domain.templates.names import STANDS_ALONE
from clarion.domain.templates.scan import Piece

_OUTPUT: Final = re.compile(rf"secrets\.({SECRET_NAME.pattern})")


def mark_secrets(pieces: list[Piece]) -> tuple[list[Piece], frozenset[str]]:
    """The pieces with each plain output of a secret as text, and the secrets' names.

    Raises TemplateProblem for one that is captured: what is captured can be printed through filters. Any other use of `secrets` is left
    as it is, for the check of names to refuse.
    """
    found: list[Piece] = []
    names: set[str] = set()
    capturing = 0
    for piece in pieces:
        secret = _OUTPUT.fullmatch(piece.content) if piece.kind == "output" else None
        if piece.kind == "tag":
            capturing += {"capture": 1, "endcapture": -1}.get(piece.tag, 0)
        if secret is None:
            _add(found, piece)
            continue
        if capturing > 0:
            raise TemplateProblem(STANDS_ALONE)
        names.add(secret[1])
        _add(found, Piece("text", mark(secret[1])))
    return found, frozenset(names)


def _add(pieces: list[Piece], piece: Piece) -> None:
    """Append a piece; text joins the text before it."""
    if piece.kind == "text" and pieces and pieces[-1].kind == "text":
        piece = Piece("text", pieces.pop().content + piece.content)
    pieces.append(piece)
