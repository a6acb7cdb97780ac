"""Media types that the API reads (RFC 9110 §8.3.1)."""


def is_json(value: bytes | None) -> bool:
    """Whether a Content-Type names `application/json`.

    Parameters are ignored, `charset` included: it has no meaning for JSON (RFC 8259 §11), and a body that is not UTF-8 is refused anyway.
    """
    return value == b"application/json" or _media_type(value) == b"application/json"


def is_ndjson(value: bytes | None) -> bool:
    """Whether a Content-Type names `application/x-ndjson`, one JSON text a line."""
    return _media_type(value) == b"application/x-ndjson"


def is_csv(value: bytes | None) -> bool:
    """Whether a Content-Type names `text/csv` (RFC 7111); its text is taken for UTF-8 whatever `charset` says."""
    return _media_type(value) == b"text/csv"


def _media_type(value: bytes | None) -> bytes:
    return b"" if value is None else value.partition(b";")[0].strip(b" \t").lower()
