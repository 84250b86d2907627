"""The Open Inference Protocol: its REST and its gRPC form, and what they have in common."""
