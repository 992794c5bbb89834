"""`tessera keys rotate`: a key that takes another's place."""

from datetime import timedelta
from typing import Final

import typer

from cli.admin.command import Admin, command
from cli.admin.document import status_word, to_document
from cli.admin.options import Expires, Grace, KeyArgument, SecretFile
from cli.admin.secret import place_for_secret
from cli.admin.times import show_second, to_duration, to_timestamp
from proto.tessera.admin.v1.keys_pb2 import Key, RotateKeyRequest, RotateKeyResponse

_GRACE: Final = timedelta(hours=24)

app = typer.Typer(rich_markup_mode=None)


@command(
    app,
    "rotate",
    "tessera keys rotate 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --grace 7d --secret-file shop.key",
    "tessera keys rotate 6f1f3b0a-4d1c-4e0e-9b53-6c6d9a1c2b3d --grace 0",
)
def rotate(
    admin: Admin,
    key_id: KeyArgument,
    grace: Grace = None,
    expires: Expires = None,
    secret_file: SecretFile = None,
) -> None:
    """Make a key that takes another's place; the old one lives on for the grace period.

    Responses to the old key tell in x-tessera-key-expires when it ends. The new key lives as long
    as the old one was made for, unless --expires says otherwise. Its text is told once, as `issue`
    tells it.
    """
    request = RotateKeyRequest(
        id=key_id,
        grace=to_duration(_GRACE if grace is None else grace),
        expire_time=to_timestamp(expires),
    )
    with place_for_secret(secret_file, admin.screen) as place:
        response = admin.client.call(request, RotateKeyResponse)
        kept = place.put(response.secret, response.key.id)
    keys = {"key": to_document(response.key), "replaced": to_document(response.replaced)}
    admin.screen.show({**keys, **kept}, part="key")
    place.tell(response.secret)
    admin.screen.note(f"The old key, {key_id}, {_ending(response.replaced)}.")


def _ending(key: Key) -> str:
    if status_word(key) == "active":
        return f"ends at {show_second(key.expire_time)} UTC"
    return "has ended"
