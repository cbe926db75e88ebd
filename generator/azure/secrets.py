"""Marked secrets for machines that nobody logs in to: by a run command. Azure shows its protected parameters nobody."""

import base64

from generator.azure import runcommands
from generator.azure.session import Session
from generator.builder.marked import FOLDER, SHELL_FILE, Secrets, as_powershell, as_shell
from generator.errors import ImagegenError
from generator.workspace.blueprint import BUILD_USER, System

# A parameter is a variable of the environment on Linux, and one of the script on Windows.
LINUX = f"""umask 077
mkdir -p {FOLDER} && printf %s "$Content" | base64 -d >{SHELL_FILE} && chown -R {BUILD_USER} {FOLDER}
"""
WINDOWS = r"""param([string]$Content)
$ErrorActionPreference = 'Stop'
[IO.Directory]::CreateDirectory('C:\imagegen') | Out-Null
& icacls.exe 'C:\imagegen' /inheritance:r /grant '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
if ($LASTEXITCODE -ne 0) { throw "icacls.exe ended with exit code $LASTEXITCODE" }
[IO.File]::WriteAllBytes('C:\imagegen\secrets.ps1', [Convert]::FromBase64String($Content))
"""


def give(session: Session, vm_id: str, system: System, secrets: Secrets) -> None:
    """Put them where the steps' wrappers look for them. Raises ImagegenError when that fails."""
    script, text = (WINDOWS, as_powershell(secrets)) if system == "windows" else (LINUX, as_shell(secrets))
    # PowerShell 5.1 reads a script as the system's code page unless a mark at its start says that it is UTF-8.
    content = base64.b64encode(text.encode("utf-8-sig" if system == "windows" else "utf-8")).decode()
    ran = runcommands.run(session, vm_id, "imagegen-secrets", script, protected={"Content": content}, timeout=300)
    if ran.exit_code != 0:
        raise ImagegenError(f"the secrets did not reach the machine: {ran.last_line}")
