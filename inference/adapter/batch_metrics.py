"""What is counted of batches and of the wait for them."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from inference.adapter.scheduler.lane import Lane

_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_TOKENS: Final = (16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768)
_SECONDS: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0),
)


class BatchMetrics:
    """Counts each batch as it is sent."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rows = Histogram(
            "adapter_batch_rows", "Rows of each batch", buckets=_ROWS, registry=registry
        )
        self._tokens = Histogram(
            "adapter_batch_tokens",
            "Tokens of each batch, without padding",
            buckets=_TOKENS,
            registry=registry,
        )
        self._padding = Counter(
            "adapter_padding_tokens",
            "Tokens that the model computed beside those, to fill rows up",
            registry=registry,
        )
        self._waits = Histogram(
            "adapter_queue_wait_seconds",
            "From a request's tokens to the sending of each batch with rows of it",
            ["lane"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._lane_waits = {lane: self._waits.labels(lane) for lane in Lane}
        self._retries = Counter(
            "adapter_retried_apart",
            "Requests whose rows failed in a batch with others', and ran again by themselves",
            registry=registry,
        )

    def count_batch(self, rows: int, tokens: int, padded_tokens: int) -> None:
        """Count a batch that is sent."""
        self._rows.observe(rows)
        self._tokens.observe(tokens)
        self._padding.inc(padded_tokens - tokens)

    def count_wait(self, lane: Lane, seconds: float) -> None:
        """Count how long a request's rows waited for a batch."""
        self._lane_waits[lane].observe(seconds)

    def count_retry(self) -> None:
        """Count a request's part of a shared batch that failed."""
        self._retries.inc()
