"""A push's payload with the token by which its receiver proves that it got it."""

from typing import Final

from clarion.delivery.errors import BadRequest

_NAME: Final = b'"token":"'
_SPACE: Final = b" \t\r\n"


def add_token(payload: bytes, token: str) -> bytes:
    """The JSON object with one more member, the last: of several of a name, browsers take the last (ECMA-262 §25.5.1), so what a document
    calls `token` never stands in for it. `token` needs no escaping.

    Raises BadRequest for what is no object.
    """
    body = payload.strip(_SPACE)
    if not (body.startswith(b"{") and body.endswith(b"}")):
        raise BadRequest("the payload is not a JSON object")
    body = body[:-1].rstrip(_SPACE)
    return b'%b%b%b%b"}' % (body, b"" if body == b"{" else b",", _NAME, token.encode())
