"""Servers and engines that a user would pick instead, each in an environment of its own, beside this server."""
