"""The settings that a workspace was generated with: those that decide its bytes stand in its lock."""

from generator.settings import Settings, with_lock
from generator.workspace.store import LOCK, Lock


def with_locked(settings: Settings, lock: Lock) -> Settings:
    """The settings that a workspace was generated with, over the present ones. Raises ImagegenError for a value of the
    wrong form."""
    return with_lock(settings, LOCK, lock.settings)
