"""Wording: how advice shows the code that it comes down to."""


def with_example(advice: str, code: str) -> str:
    """Return advice with an example, unless that would take several lines."""
    return advice if "\n" in code or "\r" in code else f"{advice}: `{code}`"
