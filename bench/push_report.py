"""The report's sections on pushes."""

from bench.encryption import Encryption
from bench.percentiles import median
from bench.push_results import Broadcast, SdkSize
from bench.table import table


def show_encryption(measured: Encryption) -> str:
    """(m)"""
    named = {"Clarion, the whole request": "clarion", "http-ece": "http_ece", "pywebpush": "pywebpush", "floor": "floor"}
    ours = median(measured.clarion)
    rows = []
    for shown, field in named.items():
        seconds = median(getattr(measured, field))
        rows.append((shown, f"{1 / seconds:,.0f}", f"{seconds * 1e6:.1f}", f"{seconds / ours:.2f}"))
    return table(("", "a second on one core", "CPU µs", "Clarion's rate to it"), rows)


def show_broadcast(measured: Broadcast) -> str:
    """(n)"""
    rate = measured.subscribers / measured.seconds
    tenths = measured.tenths
    row = (
        f"{measured.subscribers:,}",
        f"{rate:,.0f}",
        f"{measured.subscribers / 10 / tenths[0].seconds:,.0f}",
        f"{measured.subscribers / 10 / (tenths[-1].seconds - tenths[-2].seconds):,.0f}",
        f"{measured.cpu_seconds / measured.subscribers * 1e6:.0f}",
        f"{rate / measured.client_rate:.2f}",
        f"{rate / measured.pywebpush_rate:.2f}",
        f"{measured.before / 1e6:.0f}",
        f"{tenths[0].memory / 1e6:.0f}",
        f"{tenths[-1].memory / 1e6:.0f}",
        f"{measured.most / 1e6:.0f}",
    )
    head = (
        "subscribers",
        "pushes/s",
        "first tenth",
        "last tenth",
        "CPU µs a push",
        "to the client alone",
        "to pywebpush",
        "MB before",
        "after a tenth",
        "at the end",
        "at most",
    )
    alone = f"The client alone sends {measured.client_rate:,.0f}/s, pywebpush {measured.pywebpush_rate:,.0f}/s."
    return f"{table(head, [row])}\n\n{alone}"


def show_sdk(measured: SdkSize) -> str:
    """(o)"""
    rows = [(f"`{file.name}`", f"{file.bytes:,}", f"{file.gzipped:,}") for file in measured.files]
    return table(("file", "bytes", "gzipped"), rows)
