"""Programs that tests need beside Python. `tests/install-tools.sh` installs them where it may."""

import os
import shutil

import pytest


def installed(program: str, tested: str, *, path: str | None = None) -> str:
    """Where a program is, looked for in `path` or as a shell does. Without it the test fails under `CI=true`, where everything has to be
    tested; elsewhere it is skipped, and says that what is `tested` is not.
    """
    found = shutil.which(program, path=path)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed for {tested}, and CI has to run every test")
        pytest.skip(f"{program} is not installed: {tested} is NOT tested here")
    return found
