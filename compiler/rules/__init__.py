"""The rules: what a program that parses may still not mean, or hardly means; see `review`."""

from circuit.compiler.rules.captures import captures_of
from circuit.compiler.rules.program import Program, Site
from circuit.compiler.rules.review import check
from circuit.compiler.rules.silence import is_silenced

__all__ = ["Program", "Site", "captures_of", "check", "is_silenced"]
