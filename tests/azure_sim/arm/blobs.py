"""What storage accounts hold: containers and blobs, in memory. Tests read and write them here."""

import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from uuid import uuid4

from tests.azure_sim.errors import CloudError


@dataclass
class Lease:
    """A lease: who holds it, how long, and when it ends. Durations are in seconds, -1 is for ever."""

    id: str = ""
    duration: int = 0
    ends: float = 0.0
    broken: bool = False

    @property
    def state(self) -> str:
        """available, leased, expired or broken."""
        if not self.id:
            return "available"
        if self.broken:
            return "breaking" if self.ends > time.time() else "broken"
        return "leased" if self.duration == -1 or self.ends > time.time() else "expired"

    @property
    def locked(self) -> bool:
        """Whether it keeps others out."""
        return self.state in ("leased", "breaking")


@dataclass
class Copy:
    """A copy into a blob that is under way: it ends after so many looks at the blob."""

    id: str
    source: str
    content: bytes
    reads: int
    fails: str | None
    status: str = "pending"


@dataclass
class Blob:
    """A blob; `blocks` are those put and not yet in its list."""

    kind: str = "BlockBlob"
    content: bytes = b""
    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, bytes] = field(default_factory=dict)
    lease: Lease = field(default_factory=Lease)
    copy: Copy | None = None
    created: float = field(default_factory=time.time)
    etag: str = ""
    modified: str = ""

    def __post_init__(self) -> None:
        self.touch()

    def touch(self) -> None:
        """It has changed."""
        self.etag = f'"0x{uuid4().hex[:15].upper()}"'
        self.modified = formatdate(time.time(), usegmt=True)


@dataclass
class Container:
    """A container: its blobs, and a lease of its own."""

    blobs: dict[str, Blob] = field(default_factory=dict)
    properties: Blob = field(default_factory=Blob)  # which it has in common with a blob


@dataclass
class Blobs:
    """The containers of all accounts, by account and name."""

    containers: dict[tuple[str, str], Container] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def container(self, account: str, name: str) -> Container:
        """A container, empty when nothing is known of it. Whether it exists is the cloud's to say."""
        with self.lock:
            return self.containers.setdefault((account, name), Container())

    def blob(self, account: str, container: str, name: str) -> Blob:
        """A blob. Raises CloudError when there is none."""
        found = self.container(account, container).blobs.get(name)
        if found is None or not found.modified:
            raise CloudError(404, "BlobNotFound", "The specified blob does not exist.")
        return found

    def read(self, account: str, container: str, name: str) -> bytes:
        """What a blob holds."""
        return bytes(self.blob(account, container, name).content)

    def write(self, account: str, container: str, name: str, content: bytes) -> None:
        """Put a block blob there, behind everybody's back."""
        self.container(account, container).blobs[name] = Blob(content=content)

    def names(self, account: str, container: str) -> list[str]:
        """The names of the blobs of a container, sorted."""
        return sorted(self.container(account, container).blobs)
