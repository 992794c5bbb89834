"""Usage that is never lost and never counted twice: written down, refunded, and drained."""
