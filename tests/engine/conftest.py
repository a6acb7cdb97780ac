"""What several files of tests of the fleet begin with."""

import pytest
from tests.engine.leases import Leases


@pytest.fixture
def leases() -> Leases:
    """Of eight partitions, that nobody has yet."""
    return Leases(8)
