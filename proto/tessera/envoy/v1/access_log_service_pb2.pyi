from proto.tessera.envoy.v1 import access_log_pb2 as _access_log_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
