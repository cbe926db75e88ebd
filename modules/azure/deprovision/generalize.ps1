# The end of a Windows machine, as a scheduled task of the administrator: runs the deprovision script as the steps left
# it, removes what the build left, and powers off. On failure it says so on the serial console (COM1) and stays up.
param([string]$Task)
$ErrorActionPreference = 'Stop'
$log = 'C:\imagegen\deprovision.log'
$minutes = 60

function Get-ImageState {
    return (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State').ImageState
}

function Write-Failure([string]$Reason) {
    $lines = @("imagegen: deprovision failed: $Reason")
    foreach ($file in @($log, "$env:SystemRoot\System32\Sysprep\Panther\setuperr.log")) {
        if (Test-Path $file) { $lines += Get-Content -Path $file -Tail 10 }
    }
    Add-Content -Path $log -Value $lines
    $port = New-Object IO.Ports.SerialPort('COM1', 115200, 'None', 8, 'One')
    $port.Open()
    foreach ($line in $lines) { $port.WriteLine($line) }
    $port.Close()
}

try {
    # For the agent to report that the command which started this is done.
    Start-Sleep -Seconds 60
    $command = "/d /c powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\DeprovisioningScript.ps1 > $log 2>&1"
    $process = Start-Process -FilePath cmd.exe -ArgumentList $command -PassThru -WindowStyle Hidden
    $null = $process.Handle # without it there is no exit code later
    # Image Builder's script waits for ever for a sysprep that has failed; one of a template may not wait for it at all.
    $deadline = (Get-Date).AddMinutes($minutes)
    if (-not $process.WaitForExit($minutes * 60 * 1000)) { throw "it was not done after $minutes minutes" }
    if ($process.ExitCode -ne 0) { throw "exit code $($process.ExitCode)" }
    while ((Get-ImageState) -ne 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE') {
        if ((Get-Date) -gt $deadline) { throw "the image state is $(Get-ImageState)" }
        Start-Sleep -Seconds 5
    }
    # Powers off a moment later, whatever becomes of this process when its task goes.
    & shutdown.exe /s /f /t 10
    Set-Location -Path $env:SystemRoot
    Remove-Item -Path 'C:\DeprovisioningScript.ps1', 'C:\AzureData\CustomData.bin' -Force -ErrorAction SilentlyContinue
    Remove-Item -Path 'C:\imagegen' -Recurse -Force -ErrorAction SilentlyContinue
    # What the agent's handlers keep of the scripts.
    foreach ($handler in @('Microsoft.CPlat.Core.RunCommandHandlerWindows', 'Microsoft.Compute.CustomScriptExtension')) {
        $kept = "C:\Packages\Plugins\$handler\*\Downloads", "C:\WindowsAzure\Logs\Plugins\$handler"
        Remove-Item -Path $kept -Recurse -Force -ErrorAction SilentlyContinue
    }
    Unregister-ScheduledTask -TaskName $Task -Confirm:$false
} catch {
    Write-Failure "$_"
    exit 1
}
