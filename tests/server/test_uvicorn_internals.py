"""What `clarion.api.protocol_asgi` relies on in uvicorn: if an upgrade changes it, this fails first."""

import asyncio
import inspect
from unittest.mock import Mock

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


def test_the_cycle_is_made_from_these() -> None:
    assert list(inspect.signature(RequestResponseCycle.__init__).parameters) == [
        "self",
        "scope",
        "transport",
        "flow",
        "logger",
        "access_logger",
        "access_log",
        "default_headers",
        "message_event",
        "expect_100_continue",
        "keep_alive",
        "on_response",
    ]
    assert inspect.iscoroutinefunction(RequestResponseCycle.send)
    assert inspect.iscoroutinefunction(RequestResponseCycle.receive)


def test_the_cycle_has_these_attributes() -> None:
    given = {name: Mock() for name in list(inspect.signature(RequestResponseCycle.__init__).parameters)[1:]}
    cycle = RequestResponseCycle(**given)
    state = {"body", "chunked_encoding", "disconnected", "expected_content_length", "keep_alive", "message_event", "more_body"}
    assert state | {"response_complete", "response_started", "scope"} <= vars(cycle).keys()
    assert cycle.chunked_encoding is None
    assert cycle.expected_content_length == 0


async def test_the_flow_control_makes_writers_wait() -> None:
    flow = FlowControl(Mock())
    states = [flow.write_paused]
    flow.pause_writing()
    states.append(flow.write_paused)
    waiting = asyncio.ensure_future(flow.drain())
    flow.resume_writing()
    await waiting
    assert [*states, flow.write_paused] == [False, True, False]
