"""gRPC channels to Triton."""

import json
from typing import Final

import grpc

_MESSAGE_BYTES_MAX: Final = 64 * 2**20
"""32 sequences of 32,768 tokens are 4 MiB, which is gRPC's own limit."""

_OPTIONS: Final = (
    ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.enable_http_proxy", 0),
    # A name with several addresses (a headless service) is used in turn, not pinned to the first.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # A Triton that comes back is found within a second, and one that is silent is given up.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A dead peer is noticed while calls wait. Triton hangs up after more than two pings without
    # data within five minutes, which is why they are as few.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 2),
)


def open_channels(address: str, count: int) -> list[grpc.aio.Channel]:
    """Open channels that share no connection, and begin to connect.

    One connection is a bottleneck, and gRPC shares one between channels whose options are equal.
    """
    channels = [
        grpc.aio.insecure_channel(
            address,
            options=(*_OPTIONS, ("tessera.channel", number), ("grpc.use_local_subchannel_pool", 1)),
        )
        for number in range(count)
    ]
    for channel in channels:
        channel.get_state(try_to_connect=True)
    return channels


async def until_lost(channel: grpc.aio.Channel) -> None:
    """Return once a connection that was there, or came to be, is no more."""
    while (state := channel.get_state()) is not grpc.ChannelConnectivity.READY:
        await channel.wait_for_state_change(state)
    await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
