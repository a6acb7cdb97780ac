"""The log of one partition becomes the logs of many, each numbered without gaps."""


class Renumbering:
    """The last sequence of each partition's log. `changed` are those that have grown since it was emptied."""

    def __init__(self, count: int) -> None:
        self._last = [0] * count
        self.changed: dict[int, int] = {}

    def restore(self, partition: int, sequence: int) -> None:
        """Go on behind a sequence."""
        self._last[partition] = sequence

    def next(self, partition: int) -> int:
        """The sequence of the next entry."""
        self._last[partition] += 1
        self.changed[partition] = self._last[partition]
        return self._last[partition]
