"""What all tests share."""

from hypothesis import settings

settings.register_profile("circuit", deadline=None)  # a busy machine is not a slow example
settings.load_profile("circuit")
