"""The stock pipeline of Paddle Serving behind our front, for services that rely on its insides.

Frozen: only faults are mended here. What is new is for the direct engine, which knows nothing of this folder.
"""
