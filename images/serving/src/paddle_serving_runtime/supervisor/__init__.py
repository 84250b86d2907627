"""PID 1: starts and verifies workers, says when the pod is ready, restarts what dies, drains. Never imports Paddle."""
