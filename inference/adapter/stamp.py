"""Names on every answer what made its vectors."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.headers import MODEL_FINGERPRINT

_API: Final = "/v1/"


class Stamp:
    """Wraps the application: what the public API answers carries the model's fingerprint."""

    def __init__(self, app: ASGIApp, fingerprint: str | None) -> None:
        self._app = app
        header = (MODEL_FINGERPRINT.encode(), (fingerprint or "").encode())
        self._headers = [header] if fingerprint else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not scope.get("path", "").startswith(_API):
            await self._app(scope, receive, send)
            return

        async def send_stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].extend(self._headers)
            await send(message)

        await self._app(scope, receive, send_stamped)
