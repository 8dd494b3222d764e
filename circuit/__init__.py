"""Circuit: Python with one more keyword, `spawn <expr> on <worker>`, and the runtime behind it."""

from circuit.runtime import *  # noqa: F403 (the runtime's public names are circuit's)
from circuit.runtime import __all__ as __all__
