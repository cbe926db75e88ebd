"""The rules across fields (FORMAT.md 1 and 2), each registered by being imported here."""

from generator.template.rules import across, profile, resource, source, steps, tags, targets
from generator.template.rules.base import RULES, WHOLE, Finding, Part

__all__ = ["RULES", "WHOLE", "Finding", "Part", "across", "profile", "resource", "source", "steps", "tags", "targets"]
