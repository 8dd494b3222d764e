"""From `.cpy` source text to Python source text: tokens, tree, spawns, lowered text. Pure: no I/O."""

from circuit.compiler.codes import explanation
from circuit.compiler.compilation import Compilation, compile_bytes, compile_source
from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rendering import render, styled
from circuit.compiler.source import Source, SourceError, Span

__all__ = [
    "Compilation",
    "Diagnostic",
    "Label",
    "Source",
    "SourceError",
    "Span",
    "compile_bytes",
    "compile_source",
    "explanation",
    "render",
    "styled",
]
