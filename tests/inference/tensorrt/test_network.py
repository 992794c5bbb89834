"""How the real builder is set up: what no plan shows on a machine without a GPU."""

from dataclasses import dataclass, field

import pytest

from inference.tensorrt.api import find_compiler
from inference.tensorrt.network import NetworkCompiler
from tests.inference.tensorrt.test_compiler import Waiting


@dataclass
class _Config:
    """Takes only timings that are new, or `known` ones."""

    known: bytes
    taken: list[bytes] = field(default_factory=list)

    def create_timing_cache(self, timings: bytes) -> bytes:
        """Make one, of whatever GPU."""
        return timings

    def set_timing_cache(self, cache: bytes, *, ignore_mismatch: bool) -> bool:
        """Take one of this GPU."""
        fits = cache in {b"", self.known} and not ignore_mismatch
        self.taken += [cache] * fits
        return fits


@pytest.mark.parametrize(("timings", "taken"), [(b"ours", b"ours"), (b"another GPU's", b"")])
def test_timings_of_another_gpu_are_measured_anew(timings: bytes, taken: bytes) -> None:
    """Without a place of their own they would be measured anew each time, and never kept."""
    rtx = find_compiler("sm89")
    compiler = NetworkCompiler(rtx._tensorrt, rtx.identity, times_kernels=True)
    config = _Config(known=b"ours")
    assert compiler._set_timings(config, timings) == taken
    assert config.taken == [taken]


def test_single_precision_is_not_rounded() -> None:
    """TensorRT would multiply with 10 bits of each number where a graph says 23."""
    compiler = find_compiler("sm89")
    builder = compiler._tensorrt.Builder(compiler._log.native)
    config = compiler._configure(builder, Waiting())
    assert not config.get_flag(compiler._tensorrt.BuilderFlag.TF32)
