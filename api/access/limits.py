"""Rate limits per key, account or, for the public, network peer: a bucket of tokens that refills evenly.

The peer is the other end of the socket. A header that a client can set (X-Forwarded-For) never counts: whoever
runs a proxy limits anonymous callers there.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

SUBJECTS_KEPT = 50_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimiter:
    """`rate` a second on average, `burst` at once."""

    def __init__(self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = Lock()

    def take(self, subject: str) -> float:
        """0 where the request may go on; otherwise the seconds to wait."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.get(subject)
            if bucket is None:
                bucket = self._buckets[subject] = _Bucket(float(self.burst), now)
                if len(self._buckets) > SUBJECTS_KEPT:
                    self._buckets.popitem(last=False)
            else:
                self._buckets.move_to_end(subject)
            bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.at) * self.rate)
            bucket.at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0.0
            return (1 - bucket.tokens) / self.rate
