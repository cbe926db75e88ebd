"""The protocol's messages, typed as Any: `tf` carries no type information that mypy takes."""

from typing import Any

from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc, tfplugin_pb2, tfplugin_pb2_grpc  # type: ignore[import-untyped]

messages: Any = tfplugin_pb2
provider_rpc: Any = tfplugin_pb2_grpc
controller: Any = grpc_controller_pb2
controller_rpc: Any = grpc_controller_pb2_grpc
stdio_rpc: Any = grpc_stdio_pb2_grpc
