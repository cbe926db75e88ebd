"""`properties.customize[]`: the steps that change the machine (FORMAT.md 1.4)."""

from typing import Annotated, Literal

from pydantic import Field

from generator.template.schema.base import Count, Integers, Section, Strings


class Scripted(Section):
    """A step that is a script: lines (`inline`) or an address (`script_uri`). An empty checksum is unchecked."""

    name: str | None = None
    script_uri: str | None = None
    sha256_checksum: str = Field(default="", alias="sha256Checksum")
    inline: Strings | None = None


class Shell(Scripted):
    """A shell script, run as the build user."""

    type: Literal["Shell"]


class PowerShell(Scripted):
    """A PowerShell script."""

    type: Literal["PowerShell"]
    run_elevated: bool = False
    run_as_system: bool = False
    valid_exit_codes: Integers = (0,)


class WindowsRestart(Section):
    """A restart; `restart_timeout` is a number and a unit, such as `5m`."""

    type: Literal["WindowsRestart"]
    name: str | None = None
    restart_command: str = 'shutdown /r /f /t 0 /c "packer restart"'
    restart_check_command: str = ""
    restart_timeout: str = "5m"


class WindowsUpdate(Section):
    """Windows updates; `update_limit` 0 means 1000."""

    type: Literal["WindowsUpdate"]
    name: str | None = None
    search_criteria: str | None = None
    filters: Strings = ()
    update_limit: Count = 0


class File(Section):
    """A file that is uploaded as the build user; smaller than 20 MB (2.3)."""

    type: Literal["File"]
    name: str | None = None
    source_uri: str
    sha256_checksum: str = Field(default="", alias="sha256Checksum")
    destination: str


Customizer = Annotated[Shell | PowerShell | WindowsRestart | WindowsUpdate | File, Field(discriminator="type")]
