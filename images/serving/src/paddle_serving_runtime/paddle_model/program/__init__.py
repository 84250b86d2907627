"""Inputs, outputs, parameters and operations of a program file, read without loading the model."""

from paddle_serving_runtime.paddle_model.program.description import (
    VOCABULARY,
    Operation,
    Parameter,
    Port,
    Program,
)
from paddle_serving_runtime.paddle_model.program.reading import read_program

__all__ = ["VOCABULARY", "Operation", "Parameter", "Port", "Program", "read_program"]
