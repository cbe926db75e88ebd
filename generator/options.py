"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Templates = Annotated[list[Path], typer.Argument(help="Image templates (JSON).", show_default=False)]
Subject = Annotated[Path, typer.Argument(metavar="TEMPLATE|DIR", help="An image template, or a generated workspace.")]
Subjects = Annotated[
    list[Path], typer.Argument(metavar="TEMPLATE|DIR…", help="Image templates, or generated workspaces.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A generated workspace.")]
MaybeFolder = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A generated workspace.")]
AllBuilds = Annotated[bool, typer.Option("--all", help="Builds on this computer whose workspace is gone.")]
Out = Annotated[Path | None, typer.Option("--out", help="The workspace's folder; default: named after the template.")]
TargetFlag = Annotated[str | None, typer.Option("--target", help="Where to build: local or azure (default).")]
SetFlag = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Fill a placeholder, or give a parameter.")
]
Parameters = Annotated[Path | None, typer.Option("--parameters", metavar="FILE", help="An ARM parameter file.")]
Resource = Annotated[
    str | None, typer.Option("--resource", metavar="NAME", help="The image template, where a file has several.")
]
Strict = Annotated[bool | None, typer.Option("--strict", help="Count warnings as errors.", show_default=False)]
MirrorFlag = Annotated[
    list[str] | None, typer.Option("--mirror", metavar="PREFIX=PREFIX", help="Fetch addresses that begin so elsewhere.")
]
Communicator = Annotated[
    str | None, typer.Option("--communicator", help="Azure: auto (default), ssh, run-command or extension.")
]
Backend = Annotated[
    str | None,
    typer.Option("--backend", metavar="azurerm:NAME=VALUE,…", help="Azure: where the state is kept."),
]
AllowFrom = Annotated[
    list[str] | None, typer.Option("--allow-from", metavar="CIDR", help="Azure: who may reach the machine's SSH.")
]
LocalState = Annotated[
    bool | None, typer.Option("--allow-local-state", help="Azure: in a pipeline too.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the result.")]
Others = Annotated[bool, typer.Option("--others", help="Builds too that were begun in other folders or elsewhere.")]
Trust = Annotated[bool, typer.Option("--trust", help="Run a workspace whose files are not as generated.")]
VersionFlag = Annotated[str | None, typer.Option("--version", metavar="X.Y.Z", help="The version to build.")]
NoCache = Annotated[
    bool | None,
    typer.Option("--no-cache", help="Local: run every step, and keep none of this build.", show_default=False),
]
NoCacheFrom = Annotated[
    str | None, typer.Option("--no-cache-from", metavar="NAME", help="Local: run this step and all after it.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that were changed by hand.")]
