# Every step of this machine, one after the other.
$ErrorActionPreference = 'Stop'
$folder = 'C:\imagegen'
New-Item -ItemType Directory -Force -Path $folder | Out-Null

function Invoke-Part([string]$Key, [string]$Content) {
    [Console]::Out.WriteLine("imagegen: $Key")
    [IO.File]::WriteAllBytes("$folder\part.ps1", [Convert]::FromBase64String($Content))
    & powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "$folder\part.ps1"
    if ($LASTEXITCODE -eq 0) { return }
    $code = $LASTEXITCODE
    [Console]::Error.WriteLine("imagegen: $Key failed")
    exit $code
}

