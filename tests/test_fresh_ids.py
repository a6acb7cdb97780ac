"""Fresh ids: form, uniqueness over threads and forks, order."""

import os
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from clarion.fresh_ids import fresh_id


def test_is_a_uuid_of_version_7_in_32_hexadecimal_characters() -> None:
    given = fresh_id()
    assert re.fullmatch(r"[0-9a-f]{32}", given)
    parsed = uuid.UUID(given)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122


def test_starts_with_the_time_in_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    given = int(fresh_id()[:12], 16)
    assert before <= given <= time.time_ns() // 1_000_000


def test_never_gives_one_twice_and_keeps_their_order() -> None:
    given = [fresh_id() for _ in range(100_000)]
    assert len(set(given)) == len(given)
    assert [one[13:] for one in given] == sorted(one[13:] for one in given)


def test_threads_never_get_the_same() -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [fresh_id() for _ in range(5_000)], range(4)))
    assert len({one for batch in batches for one in batch}) == 20_000


def test_a_forked_process_draws_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, fresh_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 32).decode()
    os.close(reading)
    os.close(writing)
    assert theirs[12:16] + theirs[16:24] != fresh_id()[12:16] + fresh_id()[16:24]
