"""What Envoy gives up first when memory or connections run out."""

from typing import Final

from envoy_data_plane.envoy.config.overload.v3 import (
    BufferFactoryConfig,
    OverloadAction,
    OverloadManager,
    ResourceMonitor,
    ScaledTrigger,
    ThresholdTrigger,
    Trigger,
)
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections.v3 import (
    DownstreamConnectionsConfig,
)
from envoy_data_plane.envoy.extensions.resource_monitors.fixed_heap.v3 import FixedHeapConfig

from edge.deployment import Capacity
from edge.messages import pack, seconds

_HEAP: Final = "envoy.resource_monitors.fixed_heap"
_CONNECTIONS: Final = "envoy.resource_monitors.global_downstream_max_connections"
_SMALLEST_TRACKED_STREAM_LOG2: Final = 20
"""Streams that hold less than 1 MiB are never reset for memory."""

_HEAP_ACTIONS: Final = (
    ("envoy.overload_actions.shrink_heap", 0.85),
    ("envoy.overload_actions.disable_http_keepalive", 0.90),
    ("envoy.overload_actions.stop_accepting_requests", 0.95),
    ("envoy.overload_actions.stop_accepting_connections", 0.98),
)


def overload_manager(capacity: Capacity) -> OverloadManager:
    """Return the monitors and, in order of pressure, what each level of it triggers."""
    heap = FixedHeapConfig(max_heap_size_bytes=capacity.heap_bytes_max)
    connections = DownstreamConnectionsConfig(
        max_active_downstream_connections=capacity.connections_max
    )
    return OverloadManager(
        refresh_interval=seconds(0.25),
        buffer_factory_config=BufferFactoryConfig(
            minimum_account_to_track_power_of_two=_SMALLEST_TRACKED_STREAM_LOG2
        ),
        resource_monitors=[
            ResourceMonitor(name=_HEAP, typed_config=pack(heap)),
            ResourceMonitor(name=_CONNECTIONS, typed_config=pack(connections)),
        ],
        actions=[*(_at(name, level) for name, level in _HEAP_ACTIONS), _reset_largest()],
    )


def _at(name: str, level: float) -> OverloadAction:
    trigger = Trigger(name=_HEAP, threshold=ThresholdTrigger(value=level))
    return OverloadAction(name=name, triggers=[trigger])


def _reset_largest() -> OverloadAction:
    """Reset the streams that hold the most memory first, and more of them as it runs out."""
    scaled = ScaledTrigger(scaling_threshold=0.93, saturation_threshold=0.98)
    return OverloadAction(
        name="envoy.overload_actions.reset_high_memory_stream",
        triggers=[Trigger(name=_HEAP, scaled=scaled)],
    )
