"""What `terraform init` put into a workspace, and whether it was ours that did.

Providers are programs, and anybody may have put them into a checkout.
"""

import hashlib
import os
import shutil
from pathlib import Path

from generator.builder.modules import MODULES, manifest, module_calls
from generator.builder.state_lock import BACKEND
from generator.errors import ImagegenError
from generator.system import private
from generator.system.records import private_write

PROVIDERS = ".terraform/providers"


class Installed:
    """The `.terraform` of a workspace. mark: the file, outside it, that says with what imagegen initialised it."""

    def __init__(self, folder: Path, mark: Path) -> None:
        self.folder = folder
        self.mark = mark

    def is_ours(self) -> bool:
        """Whether it is as our own init left it: with exactly the modules that the workspace calls, each in its own
        folder, and the providers that we had installed. Where there are no providers, reading the calls back from the
        HCL does too."""
        try:
            known = (self.folder / MODULES).read_bytes()
            fingerprint = self._fingerprint()
            if self.mark.exists() and self.mark.read_bytes() == fingerprint:
                return True
            if self._has_providers() or known != manifest(module_calls(self.folder)):
                return False
            self._remember(fingerprint)
            return True
        except OSError:
            return False

    def remember(self) -> None:
        """Note that the workspace was just initialised by us."""
        self._remember(self._fingerprint())

    def remove(self) -> None:
        """Remove what somebody had installed. What stays would be run. Raises ImagegenError where that fails."""
        installed = self.folder / ".terraform"
        try:
            shutil.rmtree(installed)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            installed.unlink()
        except OSError as error:
            raise ImagegenError(f"{installed} cannot be removed: {error.strerror}", "remove it by hand") from error

    def _remember(self, fingerprint: bytes) -> None:
        private.folder(self.mark.parent)
        private_write(self.mark, fingerprint)

    def _has_providers(self) -> bool:
        required = b"required_providers" in (self.folder / "terraform.tf").read_bytes()
        return required or (self.folder / PROVIDERS).exists()

    def _fingerprint(self) -> bytes:
        """What Terraform was initialised with: settings, calls and modules, and each provider's files by place, size
        and time."""
        told = hashlib.sha256()
        for name in ("terraform.tf", "main.tf", ".terraform.lock.hcl", BACKEND, MODULES):
            path = self.folder / name
            told.update(name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
        for path in sorted((self.folder / PROVIDERS).rglob("*")):
            found = path.lstat()
            target = os.fsencode(path.readlink()) if path.is_symlink() else b""
            told.update(os.fsencode(path) + f"\0{found.st_size}\0{found.st_mtime_ns}\0".encode() + target)
        return told.hexdigest().encode()
