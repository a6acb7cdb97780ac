"""Ids and partitions are the same for ever: these values are part of what is stored and sent."""

import hashlib

import pytest

from clarion.domain import ids


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), "cae66941d9efbd404e4d88758ea67670"),
        (("a", "b"), "51f0df627eafec87293cace2af5bdf2a"),
        (("ab",), "9ea20885c1fcecf81fdde902273bc884"),
        (("run", "é"), "9ab6c53beeb8ae422375c7fcd05d2e70"),
    ],
)
def test_a_digest(parts: tuple[str, ...], expected: str) -> None:
    assert ids.digest(*parts) == expected
    framed = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    assert hashlib.blake2b(framed, digest_size=16).hexdigest() == expected


def test_a_run_without_a_key_is_not_the_run_with_an_empty_one() -> None:
    found = [ids.run_id(7, "cart", "e1", key) for key in (None, "", "c")]
    assert found == ["bc477b3b5a360642c61e860e041a6b02", "0230adbdd7002aa9252171d863a2c859", "daf34b9f37d1e4d2caf9dcf7db65ffad"]


def test_ids_of_what_a_run_does() -> None:
    assert ids.effect_id("r", "push", 1) == "e7eb99ce716a8a7726b23908da2d5108"
    assert ids.delivery_id("e", None) == "e"
    assert ids.delivery_id("e", "d1") == "3f3d3314792c0100ba501cbbfcdde3d0"
    assert ids.caused_event_id("c", "n", 0) == "a0971adc4d3a74d9007fa7759605ab96"


def test_a_profile_is_known_outside_by_its_own_id_or_not_at_all() -> None:
    assert ids.named_profile("bob") == "n:bob"
    assert ids.anonymous_profile("hash") == "a:hash"
    assert ids.public_profile_id("n:bob") == "bob"
    assert ids.public_profile_id("n:n:bob") == "n:bob"
    assert ids.public_profile_id("a:hash") is None


@pytest.mark.parametrize(
    ("site", "value", "count", "partition"),
    [(7, "bob", 256, 82), (7, "alice", 256, 79), (7, "ünï", 256, 232), (2**63 - 1, "bob", 256, 191), (7, "bob", 2, 0), (7, "alice", 2, 1)],
)
def test_a_partition(site: int, value: str, count: int, partition: int) -> None:
    assert ids.partition_of(site, value, count) == partition
    hashed = hashlib.blake2b(site.to_bytes(8, "big") + value.encode(), digest_size=8).digest()
    assert int.from_bytes(hashed, "big") % count == partition


def test_a_single_partition_is_the_first() -> None:
    assert ids.partition_of(7, "alice", 1) == 0
