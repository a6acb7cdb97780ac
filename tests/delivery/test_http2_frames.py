"""GOAWAY frames are taken out of what comes in, wherever it is cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.delivery.http2_frames import Goaway, GoawaySplitter, MalformedFrame

OTHER = st.tuples(st.integers(0, 255).filter(lambda kind: kind != 7), st.binary(max_size=40))
GOAWAY = st.tuples(st.just(7), st.binary(min_size=8, max_size=30))


def frame(kind: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, 0)) + bytes(4) + payload


@given(st.lists(OTHER | GOAWAY, max_size=8), st.lists(st.integers(1, 30), min_size=1, max_size=60))
@settings(max_examples=150)
def test_wherever_the_bytes_are_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    rest = b"".join(frame(kind, payload) for kind, payload in frames)
    splitter, passed, found = GoawaySplitter(), b"", []
    while rest:
        size = cuts[len(rest) % len(cuts)]
        for piece in splitter.feed(rest[:size]):
            if isinstance(piece, Goaway):
                found.append((len(passed), piece))
            else:
                passed += piece
        rest = rest[size:]
    assert passed == b"".join(frame(kind, payload) for kind, payload in frames if kind != 7)
    assert [goaway for _, goaway in found] == [
        Goaway(int.from_bytes(payload[:4], "big") & 0x7FFFFFFF, int.from_bytes(payload[4:8], "big"))
        for kind, payload in frames
        if kind == 7
    ]
    assert [at for at, _ in found] == [
        sum(9 + len(payload) for kind, payload in frames[:index] if kind != 7) for index, (kind, _) in enumerate(frames) if kind == 7
    ]


@pytest.mark.parametrize(("size", "fits"), [(7, False), (8, True), (16_384, True), (16_385, False)])
def test_a_goaway_has_its_two_numbers_and_at_most_a_frame(size: int, fits: bool) -> None:
    if fits:
        assert list(GoawaySplitter().feed(frame(7, bytes(size)))) == [Goaway(0, 0)]
    else:
        with pytest.raises(MalformedFrame):
            list(GoawaySplitter().feed(frame(7, bytes(size))))


@pytest.mark.parametrize(("size", "fits"), [(16_384, True), (16_385, False)])
def test_a_frame_that_is_too_large_is_refused_by_its_head(size: int, fits: bool) -> None:
    head = frame(0, bytes(size))[:9]
    if fits:
        assert list(GoawaySplitter().feed(head)) == [head]
    else:
        with pytest.raises(MalformedFrame):
            list(GoawaySplitter().feed(head))
