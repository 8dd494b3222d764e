"""The command circuitc: `.cpy` files to the Python that a person would have written."""

from circuit.circuitc.command import main

__all__ = ["main"]
