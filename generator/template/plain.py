"""Reading a file of a workspace, which is committed and may be a stranger's."""

from pathlib import Path

from generator.system.files import LARGEST, read

__all__ = ["LARGEST", "in_workspace", "read"]


def in_workspace(path: Path) -> bool:
    """Whether a file lies in a workspace."""
    return (path.parent / "imagegen.lock.json").exists()
