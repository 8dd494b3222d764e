"""Breakpoints at lines of `.cpy` files, for pdb since Python 3.13.

There `break app.cpy:9` is taken for a module called `app.cpy`. Before, and for every other
way to set a breakpoint, pdb needs no help.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from circuit.hook.loader import SUFFIX


def adapt(pdb: Any) -> None:
    """Have pdb look for a `.cpy` file by its name, as it does for a `.py` file."""
    look_up = pdb.Pdb.lookupmodule
    if hasattr(look_up, "__wrapped__"):
        return

    def lookupmodule(debugger: object, filename: str) -> str | None:
        if not filename.endswith(SUFFIX):
            found: str | None = look_up(debugger, filename)
            return found
        # An absolute path is one in any folder.
        paths = (Path(folder, filename) for folder in sys.path)
        return next((str(path) for path in paths if path.exists()), None)

    lookupmodule.__wrapped__ = look_up  # type: ignore[attr-defined]
    pdb.Pdb.lookupmodule = lookupmodule
