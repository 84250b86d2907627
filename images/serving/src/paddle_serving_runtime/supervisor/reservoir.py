"""A uniform sample of everything that is offered, bounded in number and size: pure."""

import heapq


class Reservoir:
    """Keeps what has drawn the lowest numbers: at most `most` of them, of `max_bytes` together."""

    def __init__(self, most: int, max_bytes: int) -> None:
        self.most = most
        self.size = 0
        self._max_bytes = max_bytes
        # the highest number first
        self._kept: list[tuple[float, bytes]] = []
        self._threshold = 1.0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, drawn: float, content: bytes) -> None:
        """Offers something that has drawn a number from 0 to 1.

        What has once been too much stays out: a short one that has drawn a higher number than a long one which had to
        go would make short ones likelier than long ones.
        """
        if drawn >= self._threshold:
            return
        heapq.heappush(self._kept, (-drawn, content))
        self.size += len(content)
        while len(self._kept) > self.most or self.size > self._max_bytes:
            highest, gone = heapq.heappop(self._kept)
            self._threshold = -highest
            self.size -= len(gone)

    def lowest(self, most: int) -> list[bytes]:
        """At most so many of what is kept, which are a uniform sample too."""
        return [content for _, content in heapq.nlargest(most, self._kept, key=lambda kept: kept[0])]
