"""Rotary position embedding: each head's vector is turned by angles that grow with its position."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from inference.graph.builder import GraphBuilder, Value


@dataclass(frozen=True, slots=True)
class Rotation:
    """The angles of a batch's tokens; each field names a value [rows, longest, width / 2]."""

    cosines: Value
    sines: Value

    @classmethod
    def declare(
        cls, graph: GraphBuilder, positions: Value, width: int, theta: float, positions_max: int
    ) -> Self:
        """Look up the angles of `positions`, each below `positions_max`, for heads of a width.

        It is done once for all layers. A packed batch holds more tokens than there are positions,
        which ONNX Runtime takes amiss where `RotaryEmbedding` itself does it.
        """
        # In single precision, as in training: far positions have the angles that the model knows.
        exponents = np.arange(0, width, 2, dtype=np.float32) / np.float32(width)
        frequencies = np.float32(1) / np.power(np.float32(theta), exponents)
        angles = np.outer(np.arange(positions_max, dtype=np.float32), frequencies)
        tables = {"cosines": np.cos(angles), "sines": np.sin(angles)}
        cosines, sines = (
            graph.lowered(graph.node("Gather", graph.table(f"rotation.{name}", table), positions))
            for name, table in tables.items()
        )
        return cls(cosines, sines)

    def turn(self, graph: GraphBuilder, x: Value, heads: int) -> Value:
        """Turn [rows, longest, heads * width]; half of each head is paired with the other half."""
        return graph.node("RotaryEmbedding", x, self.cosines, self.sines, num_heads=heads)
