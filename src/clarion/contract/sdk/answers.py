"""How answers of `/p/v1` are worded: as those of `/api/v1`, with what the vendor's mobile SDKs read besides."""

from typing import Any, Final

import msgspec

from clarion.contract.errors import Refusal

DONE: Final = b'{"error_code":0,"data":{}}'
"""A change is accepted. `data` is an object, for the iOS SDK reads nothing else there."""
TRACKED: Final = b'{"data":true}'
"""An event is accepted."""
TRACKED_BY_IOS: Final = b'{"error_code":0,"data":{"success":true}}'
"""An event is accepted, for the iOS SDK, which takes `{"data":true}` for a broken answer."""

_encode = msgspec.json.Encoder().encode


def triggered(entry: str, partition: int) -> bytes:
    """A trigger's event is accepted: a record's place in a stream, both texts, in no envelope."""
    return _encode({"SequenceNumber": entry, "ShardId": f"shardId-{partition:012}"})


def failure(refusal: Refusal, *, by_ios: bool = False) -> bytes:
    """The envelope of a failure with `error_code` and `error_message` at the top, where mobile SDKs look for them.

    The iOS SDK expects one problem under `details`, its path a text, and reads nothing at all where there is a list.
    """
    error: dict[str, Any] = {"message": refusal.message, "code": refusal.code}
    if refusal.details:
        first = refusal.details[0]
        error["details"] = {"message": first.message, "path": ".".join(first.path)} if by_ios else refusal.details
    return _encode({"error_code": refusal.code, "error_message": refusal.message, "error": error})
