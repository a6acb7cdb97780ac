"""`logs`: what went wrong in an app, for whoever looks at the server's log."""

from typing import Final

import structlog

from clarion.api.sdk.call import Call
from clarion.contract.sdk.answers import DONE
from clarion.contract.sdk.happenings import describe
from clarion.contract.sdk.reading import read_object

LONGEST: Final = 2_000
"""Characters that are written of one report."""

_log = structlog.get_logger(__name__)


async def log(call: Call) -> bytes:
    """Write a report at level debug, shortened and on one line; it is kept nowhere else."""
    text = describe(read_object(await call.body()))
    _log.debug("an SDK reports", report=text[:LONGEST])
    call.status = 201  # what the iOS SDK takes for written
    return DONE
