"""PepperService."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from authz.domain.administration.records import PepperRecord
from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import reading
from authz.rpc.admin.process_messages import to_process
from authz.rpc.admin.times import to_timestamp
from authz.service.admin.pepper_rotation import PepperRotation
from proto.tessera.admin.v1.peppers_pb2 import (
    GetPepperStatusRequest,
    GetPepperStatusResponse,
    Pepper,
    RetirePepperRequest,
    RetirePepperResponse,
    RotatePepperRequest,
    RotatePepperResponse,
)


class PepperServicer:
    """Unpacks, calls, packs."""

    def __init__(self, rotation: PepperRotation, now: Callable[[], datetime]) -> None:
        self._rotation = rotation
        self._now = now

    async def get_pepper_status(
        self, _: GetPepperStatusRequest, __: Call
    ) -> GetPepperStatusResponse:
        """Return which peppers there are, and who knows which."""
        state = await self._rotation.status()
        now = self._now()
        return GetPepperStatusResponse(
            peppers=map(_to_pepper, state.peppers),
            processes=[to_process(process, now) for process in state.processes],
        )

    async def rotate_pepper(
        self, request: RotatePepperRequest, call: Call
    ) -> AsyncIterator[RotatePepperResponse]:
        """Tell how many keys are wrapped under the newest pepper, until all are."""
        with reading() as fields:
            change = call.change(request, fields)
        async for progress in self._rotation.rotate(change):
            yield RotatePepperResponse(
                wrapped=progress.wrapped,
                total=progress.total,
                done=progress.done,
                pepper_id=progress.pepper_id,
            )

    async def retire_pepper(self, request: RetirePepperRequest, call: Call) -> RetirePepperResponse:
        """Declare that a pepper is needed no more."""
        with reading() as fields:
            change = call.change(request, fields)
            pepper_id = fields.required("id", request.id)
        pepper = await self._rotation.retire(change, pepper_id)
        return RetirePepperResponse(pepper=_to_pepper(pepper))


def _to_pepper(record: PepperRecord) -> Pepper:
    return Pepper(
        id=record.id,
        status=f"PEPPER_STATUS_{record.status.name}",
        since=to_timestamp(record.since),
        keys=record.keys,
    )
