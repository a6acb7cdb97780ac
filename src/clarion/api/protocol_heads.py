"""A request's head: what the parser read, checked for what it lets through, with the fields that decide how to go on."""

import re
from typing import Final

from clarion.api.protocol_responses import CLOSE, KEEP, KEEP_HTTP_1_0
from clarion.api.request_ids import usable_request_id

HeaderList = list[tuple[bytes, bytes]]

# RFC 3986 §3.2.2 and §3.2.3, without userinfo
_HOST = re.compile(rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]*").fullmatch
_ABSOLUTE = re.compile(rb"(?i:https?)://[^/?@]+(/[^?]*)?(?:\?(.*))?").fullmatch
_ONCE: Final = frozenset({b"api-key", b"content-type", b"content-length", b"idempotency-key", b"transfer-encoding"})
_VERSIONS: Final = frozenset({"1.0", "1.1"})


class Malformed(Exception):
    """The request breaks a rule of HTTP/1.1 that the parser does not enforce."""


class RequestHead:
    """Everything of a request but its body."""

    __slots__ = (
        "api_key",
        "chunked",
        "content_length",
        "content_type",
        "ending",
        "expects_continue",
        "idempotency_key",
        "keep_alive",
        "method",
        "path",
        "query",
        "raw_headers",
        "request_id",
        "version",
    )

    def __init__(
        self, method: bytes, target: bytes, version: str, raw_headers: HeaderList, fields: dict[bytes, bytes], keep_alive: bool
    ) -> None:
        self.method = method
        self.path, self.query = _path_and_query(method, target)
        self.version = version
        self.raw_headers = raw_headers
        """As sent, in order."""
        self.keep_alive = keep_alive
        self.ending = CLOSE if not keep_alive else KEEP if version == "1.1" else KEEP_HTTP_1_0
        find = fields.get
        self.api_key = find(b"api-key")
        self.content_type = find(b"content-type")
        self.idempotency_key = find(b"idempotency-key")
        self.chunked = b"transfer-encoding" in fields
        self.content_length = int(find(b"content-length", 0))
        """0 where it is not said; of no meaning where `chunked`."""
        # an expectation from a 1.0 client is ignored (RFC 9110 §10.1.1)
        self.expects_continue = b"expect" in fields and version == "1.1" and fields[b"expect"].lower() == b"100-continue"
        sent = find(b"x-request-id")
        self.request_id = sent if sent is not None and usable_request_id(sent) else None
        """The client's own id, if it may be echoed."""

    @property
    def headers(self) -> HeaderList:
        """All headers in order of arrival: names in lower case, values without white space around them."""
        return [(name.lower(), value.rstrip()) for name, value in self.raw_headers]


def read_head(method: bytes, target: bytes, version: str, raw: HeaderList, keep_alive: bool) -> RequestHead:
    """Check a head against what llhttp does not enforce, and read it.

    Raises Malformed: a version other than 1.0 and 1.1; `Host` missing from a 1.1 request, repeated or impossible (RFC 9112 §3.2); a
    transfer coding other than plain `chunked` (§6.1), or any from a 1.0 client; a target that is none of origin, absolute and asterisk
    form (§3.2); a field that may stand once only, repeated with another value (RFC 9110 §5.3).
    """
    fields = {name.lower(): value.rstrip() for name, value in raw}
    if len(fields) != len(raw):
        _check_repeated(raw, fields)
    host = fields.get(b"host")
    if version not in _VERSIONS or (_HOST(host) is None if host is not None else version == "1.1"):
        raise Malformed
    coding = fields.get(b"transfer-encoding")
    if coding is not None and (version == "1.0" or coding.lower() != b"chunked"):
        raise Malformed
    return RequestHead(method, target, version, raw, fields, keep_alive)


def _check_repeated(raw: HeaderList, fields: dict[bytes, bytes]) -> None:
    names = [name.lower() for name, _ in raw]
    if names.count(b"host") > 1 or any(
        name in _ONCE and fields[name] != value.rstrip() for name, (_, value) in zip(names, raw, strict=True)
    ):
        raise Malformed


def _path_and_query(method: bytes, target: bytes) -> tuple[bytes, bytes]:
    """RFC 9112 §3.2: origin form, absolute form, and `*` for OPTIONS; authority form belongs to CONNECT, which is for proxies."""
    if method == b"CONNECT" or b"#" in target:
        raise Malformed
    if target[:1] == b"/":
        path, _, query = target.partition(b"?")
        return path, query
    if target == b"*" and method == b"OPTIONS":
        return target, b""
    absolute = _ABSOLUTE(target)
    if absolute is None:
        raise Malformed
    return absolute[1] or b"/", absolute[2] or b""


NO_HEAD: Final = RequestHead(b"GET", b"/", "1.1", [], {}, keep_alive=False)
"""Stands for a head that never became whole, where an answer is due all the same."""
