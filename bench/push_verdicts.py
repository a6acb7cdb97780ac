"""What is aimed at of pushes."""

from bench.push_results import Broadcast, SdkSize
from bench.verdict import Verdict

LARGEST_SDK = 15_000
"""Bytes of a file of the SDK, gzipped."""
GROWTH = 64_000_000
"""Bytes by which memory may grow from the first tenth of a broadcast to its end, to be called flat."""


def judge_broadcast(measured: Broadcast) -> list[Verdict]:
    """(n)"""
    rate = measured.subscribers / measured.seconds
    grown = measured.tenths[-1].memory - measured.tenths[0].memory
    return [
        Verdict("(n) subscribers that got it twice", f"{measured.repeated:,}", "0", not measured.repeated, required=True),
        Verdict("(n) memory from the first tenth to the end", f"{grown / 1e6:+.0f} MB", "≤ 64 MB more", grown <= GROWTH),
        Verdict("(n) times a loop over pywebpush", f"{rate / measured.pywebpush_rate:.2f}", "≥ 2", rate >= 2 * measured.pywebpush_rate),
    ]


def judge_sdk(measured: SdkSize) -> list[Verdict]:
    """(o)"""
    return [
        Verdict(f"(o) {file.name}, gzipped", f"{file.gzipped:,}", f"< {LARGEST_SDK:,}", file.gzipped < LARGEST_SDK, required=True)
        for file in measured.files
    ]
