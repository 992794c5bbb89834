from proto.tessera.envoy.v1 import ext_authz_pb2 as _ext_authz_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
