"""Each setting, declared once. All else is derived: flags, variables, checks of files, what a lock records, README.

A setting's variable is `IMAGEGEN_` and its name in capitals; its name in an imagegen.toml is its own.
"""

from dataclasses import MISSING, Field, dataclass, field, fields
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from generator.settings.kinds import Backend, Choice, Kind, Listed, Location, Mirror, Moment, Number, Pair, Size, Switch
from generator.system.home import base_folder

Scope = Literal["run", "workspace", "user"]
Target = Literal["azure", "local"]

TARGETS = ("azure", "local")
COMMUNICATORS = ("auto", "ssh", "run-command", "extension")
UPDATE_ROUNDS = 4  # of WindowsUpdate, unless set
MOST_UPDATE_ROUNDS = 6
CACHE_SIZE = 10 * 1024**3  # bytes


class Stage(IntEnum):
    """How far a command goes. A setting's flag belongs to the commands that go at least as far as its stage."""

    READ = 1  # validate
    WRITE = 2  # generate
    PLAN = 3  # plan
    BUILD = 4  # apply


class Trust(IntEnum):
    """Where a project's imagegen.toml may set something: it comes with a checkout, which may be a stranger's."""

    NOWHERE = 0  # the user's own flags, variables and file only
    TEMPLATE = 1  # for a template, and the change is reported; for a workspace its lock or the user's own settings
    ANYWHERE = 2  # it leads to no other place and opens nothing


@dataclass(frozen=True)
class Setting:
    """What is declared of a setting, beside its name, type and default.

    kind: how a value is written; about: what it decides, as the flag's help; scope: `run` holds for one command,
    `workspace` is recorded in the workspace, `user` is of this computer; trust: see Trust; flag and stage: of the
    command line; metavar: what stands after the flag in its help; target: the only one it is for; fetches: whether it
    is about the files that a template names, which a workspace has already.
    """

    name: str
    kind: Kind
    about: str
    scope: Scope
    trust: Trust
    flag: str | None = None
    stage: Stage = Stage.WRITE
    metavar: str | None = None
    target: Target | None = None
    fetches: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"IMAGEGEN_{self.name.upper()}"


def setting(
    default: Any, kind: Kind, about: str, scope: Scope, trust: Trust | None = None, flag: str | None = None,
    stage: Stage = Stage.WRITE, *, metavar: str | None = None, target: Target | None = None, fetches: bool = False,
) -> Any:  # fmt: skip
    """A field of Settings with its declaration. default: a value, or a function that makes it."""
    if trust is None:
        trust = Trust.NOWHERE if scope == "user" else Trust.TEMPLATE
    about_it = {
        "kind": kind, "about": about, "scope": scope, "trust": trust, "flag": flag, "stage": stage,
        "metavar": metavar, "target": target, "fetches": fetches,
    }  # fmt: skip
    if callable(default):
        return field(default_factory=default, metadata=about_it)
    return field(default=default, metadata=about_it)


def folder_of(variable: str, default: str) -> Path:
    """The folder of imagegen below an XDG base directory."""
    return base_folder(variable, default) / "imagegen"


def _range(text: str) -> str:
    """An IP address or range, as the cloud wants it. Raises ValueError."""
    from ipaddress import ip_network  # noqa: PLC0415 - rarely needed

    return str(ip_network(text))


@dataclass(frozen=True)
class Settings:
    """The settings of one command. Each is declared here and nowhere else; nothing later asks whether one was set."""

    target: str = setting(
        "azure", Choice(*TARGETS), "Where to build; azure is the default.", "workspace", None, "--target", Stage.READ
    )
    sets: tuple[tuple[str, str], ...] = setting(
        (), Listed("NAME=VALUE", Pair("NAME=VALUE", secret=True)), "Fill a placeholder or set a parameter.",
        "workspace", None, "--set", Stage.READ, metavar="NAME=VALUE",
    )  # fmt: skip
    parameters: Path | None = setting(
        None, Location(), "An ARM parameter file.", "workspace", None, "--parameters", Stage.READ, metavar="FILE"
    )
    resource: str = setting(
        "", Kind(), "Which image template of a file with several.", "workspace", None, "--resource", Stage.READ,
        metavar="NAME",
    )  # fmt: skip
    resource_group: str = setting("", Kind(), "What `resourceGroup()` answers.", "workspace")
    location: str = setting("", Kind(), "What the group's location answers; where to build.", "workspace")
    subscription_id: str = setting("", Kind(), "The subscription to build in.", "workspace")
    tenant_id: str = setting("", Kind(), "What `tenant()` answers.", "workspace")
    deployment_name: str = setting("", Kind(), "What `deployment()` answers.", "workspace")
    utc_now: str = setting("", Moment(), "What `utcNow()` answers.", "workspace")
    seed: str = setting("", Kind(), "What `newGuid()` is derived from.", "workspace")
    communicator: str = setting(
        "auto", Choice(*COMMUNICATORS), "Azure: how steps reach the VM; auto is the default.", "workspace", None,
        "--communicator", target="azure",
    )  # fmt: skip
    bastion_host: str = setting(
        "", Kind(), "Azure: `[USER@]HOST[:PORT]`, a jump host for SSH to a private VM.", "workspace", target="azure"
    )
    update_rounds: int = setting(
        UPDATE_ROUNDS, Number(1, MOST_UPDATE_ROUNDS), "Azure: rounds of WindowsUpdate at most.", "workspace",
        target="azure",
    )  # fmt: skip
    backend: str = setting(
        "", Backend(), "Azure: where the Terraform state is kept.", "workspace", None, "--backend",
        metavar="azurerm:NAME=VALUE,…", target="azure",
    )  # fmt: skip
    end_of_life_date: str = setting("", Moment(), "Azure: of gallery versions.", "workspace", target="azure")
    strict: bool = setting(False, Switch(), "Count warnings as errors.", "run", Trust.ANYWHERE, "--strict", Stage.READ)
    accept: tuple[str, ...] = setting(
        (), Listed("names of warnings", Kind(), separator=r"[\s,]+"), "A known warning: only `validate` shows it.",
        "run", Trust.ANYWHERE, "--accept", Stage.READ, metavar="WARNING",
    )  # fmt: skip
    mirrors: tuple[tuple[str, str], ...] = setting(
        (), Listed("PREFIX=PREFIX", Mirror("PREFIX=PREFIX")), "Fetch URLs that start with one prefix from another.",
        "run", None, "--mirror", metavar="PREFIX=PREFIX", fetches=True,
    )  # fmt: skip
    allow_files: tuple[Path, ...] = setting(
        (), Listed("paths", Location()), "Let the template use files below this path.", "run", Trust.NOWHERE,
        "--allow-files", metavar="PREFIX", fetches=True,
    )  # fmt: skip
    allow_from: tuple[str, ...] = setting(
        (), Listed("IP ranges such as 203.0.113.0/24", Kind(), separator=r"[\s,]+", check=_range),
        "Azure: who may reach the VM's SSH port.", "run", None, "--allow-from", Stage.BUILD, metavar="CIDR",
        target="azure",
    )  # fmt: skip
    allow_local_state: bool = setting(
        False, Switch(), "Azure: keep the state locally, even in CI.", "run", Trust.ANYWHERE, "--allow-local-state",
        Stage.BUILD, target="azure",
    )  # fmt: skip
    no_cache: bool = setting(
        False, Switch(), "Local: run every step, and save no VM.", "run", Trust.ANYWHERE, "--no-cache", Stage.PLAN,
        target="local",
    )  # fmt: skip
    no_cache_from: str = setting(
        "", Kind(), "Local: run this step and all after it.", "run", Trust.ANYWHERE, "--no-cache-from", Stage.PLAN,
        metavar="NAME", target="local",
    )  # fmt: skip
    host_access: bool = setting(
        False, Switch(), "Let local VMs connect to this computer and to a cloud's metadata service.", "user",
        target="local",
    )  # fmt: skip
    cache_size: int = setting(CACHE_SIZE, Size(), "How much the saved VMs of local builds may take.", "user")
    cache_dir: Path = setting(
        lambda: folder_of("XDG_CACHE_HOME", ".cache"), Location(), "Base images, saved VMs and downloads.", "user"
    )
    state_dir: Path = setting(
        lambda: folder_of("XDG_STATE_HOME", ".local/state"), Location(), "Keys and VMs of running builds.", "user"
    )
    terraform: str = setting("terraform", Kind(), "The Terraform program.", "user")


@cache
def table() -> dict[str, Setting]:
    """The declaration of each setting, by name, in the order of Settings."""
    return {one.name: Setting(one.name, **one.metadata) for one in fields(Settings)}


def default_of(name: str) -> Any:
    """The value of a setting that nobody sets."""
    one: Field[Any] = Settings.__dataclass_fields__[name]
    return one.default if one.default_factory is MISSING else one.default_factory()
