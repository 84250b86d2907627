"""The pipeline protocol of Paddle Serving, in JSON and over gRPC."""
