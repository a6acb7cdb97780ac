"""The SDK's files, made from the sources as they are now."""

from pathlib import Path

import pytest
from hatch_build import TARGET, SdkNotBuilt, build_sdk, is_current
from tests.installed import installed

ROOT = Path(__file__).parents[2]


def built_sdk() -> Path:
    """Where they are; without what makes them the test is skipped, or fails, as `installed` says."""
    if not is_current(ROOT):
        for program in ("node", "npm"):
            installed(program, "the browser SDK")
        try:
            build_sdk(ROOT)
        except SdkNotBuilt as error:
            pytest.fail(str(error))
    return ROOT / TARGET
