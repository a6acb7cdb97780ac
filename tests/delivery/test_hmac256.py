"""HMAC-SHA256 against the vectors of RFC 4231 and the standard library."""

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.delivery.hmac256 import hmac256, hmac256_pair


@pytest.mark.parametrize(
    ("key", "text", "digest"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ],
)
def test_the_vectors_of_rfc_4231(key: bytes, text: bytes, digest: str) -> None:
    assert hmac256(key, text).hex() == digest


@given(st.binary(max_size=64), st.binary(max_size=200), st.binary(max_size=200))
@settings(max_examples=100)
def test_what_the_standard_library_gives(key: bytes, one: bytes, other: bytes) -> None:
    expected = hmac.digest(key, one, "sha256"), hmac.digest(key, other, "sha256")
    assert (hmac256(key, one), hmac256(key, other)) == hmac256_pair(key, one, other) == expected


def test_a_key_over_a_block_is_refused() -> None:
    hmac256(bytes(64), b"")
    for call in (lambda: hmac256(bytes(65), b""), lambda: hmac256_pair(bytes(65), b"", b"")):
        with pytest.raises(ValueError, match="64"):
            call()
