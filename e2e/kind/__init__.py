"""A kind cluster for the end-to-end tests, with or without an image registry.

Standard library only: this runs before any environment exists, as `python3 e2e/kind COMMAND`.
"""
