"""ARCHITECTURE.md names the files that there are."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
TEXT = (CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FOLDERS = re.findall(r"## Folders\n\n((?:    .*\n)+)", TEXT)[0]


def nouns(folder):
    """Return the files of a folder, by what they are called."""
    return {file.stem for file in (CHECKOUT / folder).glob("*.py") if not file.stem.startswith("_")}


@pytest.mark.parametrize("folder", ["circuit", "compiler", "runtime"])
def test_every_file_has_its_place(folder):
    said = re.search(rf"^    {folder}/ .*\n(?:     .*\n)*", FOLDERS, re.MULTILINE)[0]
    unsaid = {noun for noun in nouns(folder) if not re.search(rf"\b{noun}\b", said)}
    if "shared_*" in said:
        unsaid = {noun for noun in unsaid if not noun.startswith("shared_")}
    assert unsaid == set()
