"""Brings a package from wherever it is into an empty folder, whole and verified or not at all."""
