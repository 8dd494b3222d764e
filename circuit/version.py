"""The version of this release: read by the build, the commands and the bytecode cache."""

VERSION = "0.1.0"
