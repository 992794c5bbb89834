"""The servicer that Envoy's ext_authz filter calls."""

import time
from typing import Final

import grpc

from authz.domain.verdict import Allowed
from authz.rpc.check_request import to_question
from authz.rpc.check_response import to_response
from authz.rpc.failures import CheckContext, answer_failures
from authz.service.check import Checker
from authz.service.decisions.record import DecisionRecorder
from authz.service.metrics import CheckMetrics
from proto.tessera.envoy.v1 import ext_authz_service_pb2
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest

SERVICE: Final = ext_authz_service_pb2.DESCRIPTOR.services_by_name["Authorization"].full_name


class AuthorizationServicer:
    """Unpacks the question, has it judged, packs the verdict."""

    def __init__(
        self, checker: Checker, metrics: CheckMetrics, decisions: DecisionRecorder
    ) -> None:
        self._checker = checker
        self._metrics = metrics
        self._decisions = decisions

    async def check(self, request: CheckRequest, _: CheckContext) -> bytes:
        """Answer one check."""
        started = time.perf_counter()
        question = to_question(request)
        verdict = await self._checker.judge(question)
        self._metrics.seconds.observe(time.perf_counter() - started)
        if isinstance(verdict, Allowed):
            self._metrics.allowed.inc()
        else:
            self._metrics.denied[verdict.reason].inc()
        self._decisions.note(question, verdict)
        return to_response(verdict)

    def handler(self) -> "grpc.GenericRpcHandler[CheckRequest, bytes]":
        """Return what a server needs to route calls here."""
        check = grpc.unary_unary_rpc_method_handler(
            answer_failures(self.check, self._metrics.undecided, self._decisions),
            request_deserializer=CheckRequest.FromString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {"Check": check})
