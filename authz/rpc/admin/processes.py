"""ProcessService."""

from collections.abc import Callable
from datetime import datetime

from authz.rpc.admin.call import Call
from authz.rpc.admin.process_messages import to_process
from authz.service.admin.acknowledgements import Acknowledgements
from proto.tessera.admin.v1.processes_pb2 import ListProcessesRequest, ListProcessesResponse


class ProcessServicer:
    """Unpacks, calls, packs."""

    def __init__(self, acknowledgements: Acknowledgements, now: Callable[[], datetime]) -> None:
        self._acknowledgements = acknowledgements
        self._now = now

    async def list_processes(self, _: ListProcessesRequest, __: Call) -> ListProcessesResponse:
        """Return the processes that may still answer."""
        processes, number = await self._acknowledgements.list()
        now = self._now()
        return ListProcessesResponse(
            processes=[to_process(process, now) for process in processes], change_number=number
        )
