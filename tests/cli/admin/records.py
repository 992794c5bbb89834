"""An account, a key and so on, as the server answers them."""

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from proto.tessera.admin.v1.accounts_pb2 import Account
from proto.tessera.admin.v1.keys_pb2 import Key
from proto.tessera.admin.v1.processes_pb2 import Process
from proto.tessera.admin.v1.tiers_pb2 import Tier

ACCOUNT_ID: Final = "0b9d1f8e-52f3-4f5c-9a3b-0f7d5a6c1e22"
KEY_ID: Final = "6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d"
OLD_KEY_ID: Final = "11111111-4d1c-4e0e-9b53-6c6d9a1c2b3d"


def at(hour: int) -> Timestamp:
    """Return an hour of one day."""
    stamp = Timestamp()
    stamp.FromDatetime(datetime(2026, 5, 4, hour, 30, 15, tzinfo=UTC))
    return stamp


ACCOUNT: Final = Account(
    id=ACCOUNT_ID,
    name="Acme",
    email="ops@acme.example",
    tier="standard",
    status="ACCOUNT_STATUS_ACTIVE",
    create_time=at(8),
)
KEY: Final = Key(
    id=KEY_ID,
    account_id=ACCOUNT_ID,
    name="shop",
    environment="prod",
    scopes=["embeddings"],
    networks=["10.1.0.0/16"],
    status="KEY_STATUS_ACTIVE",
    create_time=at(9),
    prefix="sk-tesse",
    last_four="w9Qz",
)
TIER: Final = Tier(
    name="standard",
    requests_per_minute=3000,
    tokens_per_minute=1_000_000,
    tokens_per_month=2**40,
    items_max=2048,
    endpoints=["embeddings", "models", "usage"],
    models=["*"],
    enforcement="ENFORCEMENT_SHADOW",
)


def process(name: str, number: int, *, silent: bool = False) -> Process:
    """Return a process that has applied a change."""
    return Process(
        name=name,
        start_time=at(1),
        seen_time=at(10),
        fence_time=at(11),
        change_number=number,
        pepper_ids=["1f9a02c7"],
        silent=silent,
    )
