"""The message tables are those of the originals: field by field, service by service."""

from importlib.metadata import files
from pathlib import Path

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor
from tritonclient.grpc import model_config_pb2, service_pb2

from paddle_serving_runtime.protocol.open_inference import messages as open_inference_messages
from paddle_serving_runtime.protocol.pipeline import messages as pipeline_messages
from paddle_serving_runtime.serving_packages.generated import serialized_descriptor

Fields = dict[str, tuple[int, int, bool, str]]


def fields(message: Descriptor) -> Fields:
    return {
        field.name: (
            field.number,
            field.type,
            field.is_repeated,
            field.containing_oneof.name if field.containing_oneof else "",
        )
        for field in message.fields
    }


def test_the_pipeline_messages_are_those_of_the_wheel() -> None:
    (source,) = (path for path in files("paddle-serving-server") or () if path.name == "pipeline_service_pb2.py")
    theirs = descriptor_pb2.FileDescriptorProto.FromString(serialized_descriptor(Path(str(source.locate()))))
    ours = descriptor_pb2.FileDescriptorProto()
    ours.CopyFrom(pipeline_messages.FILE)
    ours.name = theirs.name
    theirs.service[0].method[0].ClearField("options")
    assert ours == theirs


PARTIAL = {"ModelConfig", "ModelInput", "ModelOutput", "ModelVersionPolicy", "InferStatistics", "ModelStatistics"}
"""Those of which the runtime has the fields that it fills."""


def test_the_open_inference_messages_are_those_of_tritons_client() -> None:
    known = {**service_pb2.DESCRIPTOR.message_types_by_name, **model_config_pb2.DESCRIPTOR.message_types_by_name}
    for name, ours in open_inference_messages.MESSAGES.items():
        theirs = known[name]
        if name in PARTIAL:
            assert fields(ours.DESCRIPTOR).items() <= fields(theirs).items(), name
            continue
        assert fields(ours.DESCRIPTOR) == fields(theirs), name
        assert set(ours.DESCRIPTOR.nested_types_by_name) == set(theirs.nested_types_by_name)
        for inner in ours.DESCRIPTOR.nested_types:
            assert fields(inner) == fields(theirs.nested_types_by_name[inner.name]), inner.name


def test_the_open_inference_methods_are_those_of_tritons_client() -> None:
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name
    (service,) = open_inference_messages.FILE.service
    for method in service.method:
        assert method.input_type == f".{theirs[method.name].input_type.full_name}"
        assert method.output_type == f".{theirs[method.name].output_type.full_name}"
        assert method.client_streaming == theirs[method.name].client_streaming
        assert method.server_streaming == theirs[method.name].server_streaming


def test_the_data_types_of_a_configuration_are_those_of_tritons_client() -> None:
    (ours,) = open_inference_messages.FILE.enum_type
    assert {value.name: value.number for value in ours.value} == dict(model_config_pb2.DataType.items())
