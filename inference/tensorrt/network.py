"""The real compiler: a graph file through TensorRT's own parser and builder."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from inference.tensorrt.callbacks import Sink, find_log, native_monitor
from inference.tensorrt.compiler import CompileError, Identity, Profile, Range, Watch, Write

Native = Any
"""An object of the library, which comes without types."""


class NetworkCompiler:
    """Compiles strongly typed networks: each number has the type that the graph gives it."""

    def __init__(
        self,
        tensorrt: ModuleType,
        identity: Identity,
        capability: Native | None = None,
        *,
        times_kernels: bool,
    ) -> None:
        """Take the library, `capability` where the target can be chosen.

        A library that `times_kernels` tries them on the GPU, and takes the fastest.
        """
        self._tensorrt = tensorrt
        self._identity = identity
        self._capability = capability
        self._times_kernels = times_kernels
        self._log = find_log(tensorrt)

    @property
    def identity(self) -> Identity:
        """Name the library and what it compiles for."""
        return self._identity

    def compile(
        self,
        graph: Path,
        profiles: Sequence[Profile],
        write: Write,
        watch: Watch,
        timings: bytes,
    ) -> bytes:
        """Write a plan of the graph for the profiles, and return the timings of its kernels.

        Raises:
            CompileError: the graph is not one that it can compile, or the plan is unwanted.
            OSError: `write` raised it.
        """
        self._log.clear()
        builder = self._tensorrt.Builder(self._log.native)
        network, parser = self._parse(builder, graph, watch)
        config = self._configure(builder, watch)
        for profile in profiles:
            self._add_profile(builder, config, network, profile)
        cache = self._set_timings(config, timings)
        sink = Sink(self._tensorrt, write)
        built = _build(builder, network, config, sink)
        sink.check()
        if not watch.goes_on():
            raise CompileError("the compilation was stopped")
        if not built:
            raise self._failure(f"cannot compile {graph}")
        del parser  # owns the weights that the network reads
        return bytes(cache.serialize()) if cache is not None else b""

    def _parse(self, builder: Native, graph: Path, watch: Watch) -> tuple[Native, Native]:
        watch.tell("reading the graph")
        network = builder.create_network(_strongly_typed(self._tensorrt))
        parser = self._tensorrt.OnnxParser(network, self._log.native)
        # From the file, not its bytes: those would have weights looked for in the current folder.
        if not parser.parse_from_file(str(graph)):
            errors = [parser.get_error(index) for index in range(parser.num_errors)]
            raise self._failure(f"cannot read {graph}", *map(_describe, errors[:1]))
        return network, parser

    def _configure(self, builder: Native, watch: Watch) -> Native:
        config = builder.create_builder_config()
        # Single precision is meant where a graph says so: pooling, or all of it.
        config.clear_flag(self._tensorrt.BuilderFlag.TF32)
        if self._capability is not None:
            config.num_compute_capabilities = 1
            config.set_compute_capability(self._capability, 0)
        if (monitor := native_monitor(self._tensorrt, watch)) is not None:
            config.progress_monitor = monitor
        return config

    def _add_profile(
        self, builder: Native, config: Native, network: Native, profile: Profile
    ) -> None:
        native = builder.create_optimization_profile()
        for index in range(network.num_inputs):
            tensor = network.get_input(index)
            sizes = _sizes(tensor, profile)
            shapes = [
                tuple(size.least for size in sizes),
                tuple(size.usual for size in sizes),
                tuple(size.most for size in sizes),
            ]
            native.set_shape(tensor.name, *shapes)
        if config.add_optimization_profile(native) < 0:
            raise self._failure("takes no such sizes of the graph's inputs")

    def _set_timings(self, config: Native, timings: bytes) -> Native | None:
        if not self._times_kernels:
            return None
        for known in (timings, b""):
            cache = config.create_timing_cache(known)
            if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
                return cache
            self._log.clear()  # they were of another version or GPU, or damaged
        return None

    def _failure(self, what: str, *reasons: str) -> CompileError:
        reason = "; ".join(reasons) or self._log.error or "it does not say why"
        return CompileError(f"{self._identity} {what}: {reason}")


def _build(builder: Native, network: Native, config: Native, sink: Sink) -> bool:
    """Build, by parts where the library can, so that no second copy of the plan is in memory."""
    if sink.native is not None and hasattr(builder, "build_serialized_network_to_stream"):
        return bool(builder.build_serialized_network_to_stream(network, config, sink.native))
    plan = builder.build_serialized_network(network, config)
    return plan is not None and sink.take(memoryview(plan)) == plan.nbytes


def _strongly_typed(tensorrt: ModuleType) -> int:
    """Return the network's flags; a library that knows no other networks has none."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        flag = getattr(tensorrt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _sizes(tensor: Native, profile: Profile) -> list[Range]:
    sizes = []
    for index, size in enumerate(tuple(tensor.shape)):
        name = tensor.get_dimension_name(index)
        if size >= 0:
            sizes.append(Range(size, size, size))
        elif name in profile:
            sizes.append(profile[name])
        else:
            raise CompileError(f"the graph's input {tensor.name} has a dimension {name!r} too many")
    return sizes


def _describe(error: Native) -> str:
    where = error.node_name() or "a node without a name"
    what = " ".join(error.desc().split())
    return f"{where} ({error.node_operator() or 'no operator'}): {what}"
