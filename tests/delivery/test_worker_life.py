"""The delivery worker when the store is away, when it is stopped, and when it is killed."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from clarion.clock import SECOND

from .conftest import Post
from .outbox import START, change, http
from .receiver import OK, Received, receiving, silence


async def test_reports_wait_for_a_store_that_is_away_and_none_is_lost(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(*(http(number, receiver.url) for number in range(20)))
        await post.start()
        await receiver.wait_for(1)
        post.outbox.down = True
        await receiver.wait_for(20)
        post.outbox.put(http(20, receiver.url))
        post.worker.wake()
        post.outbox.down = False
        reports = await post.outbox.until_reported(21)
    assert {report.outcome for report in reports} == {"sent"}
    assert len(receiver.requests) == 21


async def test_a_claim_that_fails_is_made_again(post: Post) -> None:
    post.outbox.down = True
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url))
        await post.start()
        await post.outbox.until(lambda: post.outbox.claims >= 3)
        post.outbox.down = False
        (report,) = await post.outbox.until_reported()
    assert report.outcome == "sent"


async def test_nothing_is_claimed_while_too_much_is_unreported(build_post: type[Post]) -> None:
    async with receiving() as receiver, build_post(max_unreported=10, batch=5) as post:
        post.outbox.put(*(http(number, receiver.url) for number in range(100)))

        original = post.outbox.report
        refusals = 0

        async def refuse(reports: object) -> None:
            nonlocal refusals
            refusals += 1
            post.outbox.down = True
            try:
                await original(reports)  # type: ignore[arg-type]  # passed on as it came
            finally:
                post.outbox.down = False

        post.outbox.report = refuse  # type: ignore[method-assign]  # claims work, reports do not
        await post.start()
        await receiver.wait_for(10)
        await post.outbox.until(lambda: refusals >= 5)
        assert len(receiver.requests) == 10
        post.outbox.report = original  # type: ignore[method-assign]
        await post.outbox.until_reported(100)
    assert len(receiver.requests) == 100


async def test_a_report_that_the_store_refuses_does_not_hold_up_the_others(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(*(http(number, receiver.url) for number in range(5)))
        post.outbox.refused.add("http-000003")
        await post.start()
        reports = await post.outbox.until_reported(4)
    assert {report.delivery.effect for report in reports} == {"effect-0", "effect-1", "effect-2", "effect-4"}
    assert post.outbox.claimed == {"http-000003"}


async def test_stopping_lets_what_is_under_way_end(post: Post) -> None:
    release = asyncio.Event()
    async with receiving(silence(release)) as receiver:
        post.outbox.put(http(1, receiver.url))
        await post.start()
        await receiver.wait_for(1)
        stopping = asyncio.create_task(post.worker.stop(grace=5))
        post.outbox.put(http(2, receiver.url))
        post.worker.wake()
        release.set()
        await stopping
    assert [report.outcome for report in post.outbox.reports] == ["sent"]
    assert not post.outbox.claimed
    assert len(receiver.requests) == 1
    await post.worker.stop(grace=5)


async def test_what_does_not_end_in_time_is_given_back_and_what_is_parked_too(build_post: type[Post]) -> None:
    async with receiving(silence(asyncio.Event())) as receiver, build_post(per_host=2) as post:
        post.outbox.put(*(http(number, receiver.url) for number in range(6)))
        await post.start()
        await receiver.wait_for(2)
        await post.outbox.until(lambda: len(post.outbox.claimed) == 6)
        await post.worker.stop(grace=0.02)
        assert not post.outbox.claimed
        assert not post.outbox.reports
        assert len(post.outbox.waiting) == 6


async def test_what_is_parked_is_given_back_though_its_host_becomes_free_while_the_worker_stops(build_post: type[Post]) -> None:
    release = asyncio.Event()
    async with receiving(silence(release)) as receiver, build_post(per_host=2) as post:
        post.outbox.put(*(http(number, receiver.url) for number in range(6)))
        await post.start()
        await receiver.wait_for(2)
        await post.outbox.until(lambda: len(post.outbox.claimed) == 6)
        claims = post.outbox.claims
        post.outbox.gate.clear()
        post.worker.wake()
        await post.outbox.until(lambda: post.outbox.claims > claims)
        stopping = asyncio.create_task(post.worker.stop(grace=5))
        release.set()
        await post.outbox.until(lambda: not post.worker.under_way)
        post.outbox.gate.set()
        await stopping
    assert [report.outcome for report in post.outbox.reports] == ["sent"] * 2
    assert (post.outbox.claimed, len(post.outbox.waiting)) == (set(), 4)


async def test_stopping_ends_though_the_store_does_not_answer(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url))
        await post.start()
        await receiver.wait_for(1)
        post.outbox.gate.clear()
        await post.worker.stop(grace=0.02)
    assert post.outbox.claimed == {"http-000001"}


async def test_a_worker_that_never_started_stops_and_none_starts_twice(post: Post) -> None:
    await post.worker.stop(grace=1)
    await post.start()
    with pytest.raises(RuntimeError, match="starts once"):
        await post.worker.start()


async def test_what_is_parked_for_a_host_that_goes_down_is_put_off(build_post: type[Post]) -> None:
    async with build_post(per_host=2) as post:
        # nobody listens: two under way and eight parked, of which the first attempts show that it is down
        post.outbox.put(*(http(number, "http://127.0.0.1:1/") for number in range(10)))
        await post.start()
        reports = await post.outbox.until_reported(10)
        assert {report.outcome for report in reports} == {None}
        put_off = [report.retry_at for report in reports if not report.delivery.attempts]
        assert 3 <= len(put_off) <= 5
        assert all(at is not None and at >= START + SECOND for at in put_off)


async def test_nothing_is_put_off_beyond_its_end(build_post: type[Post]) -> None:
    async with build_post(per_host=2) as post:
        post.outbox.put(*(change(http(number, "http://127.0.0.1:1/"), expires=START + SECOND // 2) for number in range(10)))
        await post.start()
        reports = await post.outbox.until_reported(10)
        assert {report.retry_at for report in reports if not report.delivery.attempts} == {START + SECOND // 2 + 1}


@pytest.mark.parametrize(("point", "sent"), [("delivery.before_send", 0), ("delivery.after_send", 1)])
async def test_a_kill_around_the_send_leaves_the_delivery_unreported(point: str, sent: int) -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with receiving(answer) as receiver:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.delivery.one_delivery",
            receiver.url,
            env=os.environ | {"CLARION_FAULT": point},
            stdout=subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert output == b""
        assert len(receiver.requests) == sent
        again = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.delivery.one_delivery", receiver.url, stdout=subprocess.PIPE
        )
        output, _ = await again.communicate()
        assert output == b"sent\n"
    assert {request.header("webhook-id") for request in receiver.requests} == {"effect-1"}
