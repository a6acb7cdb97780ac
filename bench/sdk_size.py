"""(o) How large the browser SDK is, as it is served."""

from pathlib import Path

from bench.child import ChildFailed
from bench.plan import Plan
from bench.progress import say
from bench.push_results import SdkFile, SdkSize
from clarion.api.routes.sdk import DIRECTORY
from clarion.api.sdk_files import NAMES, read_sdk


def run(plan: Plan, directory: Path) -> SdkSize:
    """Measure. Raises ChildFailed where it was not built."""
    sdk = read_sdk(DIRECTORY)
    if sdk is None:
        raise ChildFailed("the SDK is not built: make setup")
    files = [SdkFile(name, len(file.content), len(file.gzipped)) for name, file in sdk.files.items() if name in NAMES]
    for file in files:
        say(f"(o) {file.name}: {file.bytes:,} bytes, {file.gzipped:,} gzipped")
    return SdkSize(files)
