"""Test doubles of Circuit: a simulated network of nodes, which proves the core of the runtime."""
