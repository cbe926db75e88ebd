"""See tests/invariants.py."""

from tests.invariants import at_rest, processes, terraform

__all__ = ["at_rest", "processes", "terraform"]
