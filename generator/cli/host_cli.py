"""The command lines about what this computer keeps for local builds."""

from pathlib import Path
from typing import Annotated

import typer

from generator.cli import host_commands
from generator.cli.options import Json

base_app = typer.Typer(no_args_is_help=True, help="The disks that local builds start from.")

cache_app = typer.Typer(no_args_is_help=True, help="The saved machines that local builds go on from.")


@base_app.command("list")
def base_list(json: Json = False) -> None:
    """The bases on this computer."""
    host_commands.base_list(json=json)


@base_app.command("build")
def base_build(name: Annotated[str, typer.Argument(help="The base to build.")] = "debian-12") -> None:
    """Build a base from its distribution's packages."""
    host_commands.base_build(name)


@base_app.command("import")
def base_import(
    file: Annotated[Path, typer.Argument(help="A disk image: qcow2, raw, VHD or VHDX.")],
    alias: Annotated[str, typer.Option("--as", metavar="PUBLISHER:OFFER:SKU", help="The source that it stands for.")],
) -> None:
    """Take a disk image as the base for a marketplace source."""
    host_commands.base_import(file, alias)


@base_app.command("remove")
def base_remove(name: str) -> None:
    """Remove a base."""
    host_commands.base_remove(name)


@cache_app.command("list")
def cache_list(json: Json = False) -> None:
    """The saved machines, the last used first."""
    host_commands.cache_list(json=json)


@cache_app.command("prune")
def cache_prune(
    everything: Annotated[bool, typer.Option("--all", help="All that no build uses at the moment.")] = False,
    json: Json = False,
) -> None:
    """Free what is beyond the setting cache_size, the least recently used first."""
    host_commands.cache_prune(everything=everything, json=json)
