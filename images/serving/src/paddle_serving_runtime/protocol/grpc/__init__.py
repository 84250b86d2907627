"""gRPC messages as bytes, without the gRPC library: frames, compression, and pieces of protobuf."""
