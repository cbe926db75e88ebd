# One round of Windows updates: searches, chooses by the filters, downloads and installs. It never restarts.
#
# Settings: base64 of a JSON object with `criteria`, `filters` and `limit`.
# The last line is `imagegen:` and a JSON object: `found` (updates that the filters chose), `installed`, `failed`, and
# `restart_pending`, which says whether Windows wants a restart before anything else. Nothing is installed while it does.
#
# The filters are those of packer-plugin-windows-update: in order, the first whose expression is true for an update, as
# `$_`, decides; what none matches is left out.
param([Parameter(Mandatory = $true)][string]$Settings)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Test-RestartPending {
    $servicing = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing'
    $update = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update'
    if ((Test-Path "$servicing\RebootPending") -or (Test-Path "$update\RebootRequired")) { return $true }
    if (@(Get-ChildItem -Path "$servicing\PackagesPending" -ErrorAction SilentlyContinue).Count -gt 0) { return $true }
    return [bool](New-Object -ComObject 'Microsoft.Update.SystemInfo').RebootRequired
}

function Write-Result([int]$Found, [int]$Installed, [bool]$Failed) {
    $result = [ordered]@{
        found = $Found
        installed = $Installed
        failed = $Failed
        restart_pending = Test-RestartPending
    }
    Write-Output "imagegen:$($result | ConvertTo-Json -Compress)"
}

# Windows Update Agent API, OperationResultCode.
function Get-ResultName([int]$Code) {
    $names = @('not started', 'in progress', 'succeeded', 'succeeded with errors', 'failed', 'aborted')
    if ($Code -lt $names.Count) { return $names[$Code] }
    return "code $Code"
}

function Test-Chosen($Update, $Filters) {
    foreach ($filter in $Filters) {
        if (Where-Object -InputObject $Update -FilterScript $filter.Expression) { return $filter.Include }
    }
    return $false
}

if (Test-RestartPending) {
    Write-Output 'a restart is pending'
    Write-Result 0 0 $false
    exit 0
}
$wanted = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($Settings)) | ConvertFrom-Json
$filters = @(foreach ($filter in $wanted.filters) {
    $action, $expression = $filter -split ':', 2
    New-Object PSObject -Property @{
        Include = $action -eq 'include'
        Expression = [ScriptBlock]::Create($expression)
    }
})

Write-Output "searching: $($wanted.criteria)"
$session = New-Object -ComObject 'Microsoft.Update.Session'
$session.ClientApplicationID = 'imagegen'
$search = $session.CreateUpdateSearcher().Search($wanted.criteria)
if ($search.ResultCode -ne 2) {
    Write-Output "the search $(Get-ResultName $search.ResultCode)"
    Write-Result 0 0 $true
    exit 1
}
$updates = New-Object -ComObject 'Microsoft.Update.UpdateColl'
$titles = @()
for ($number = 0; $number -lt $search.Updates.Count -and $updates.Count -lt $wanted.limit; $number++) {
    $update = $search.Updates.Item($number)
    if (-not (Test-Chosen $update $filters)) {
        Write-Output "left out: $($update.Title)"
        continue
    }
    if ($titles -contains $update.Title) { continue }
    $titles += $update.Title
    if ($update.InstallationBehavior.CanRequestUserInput) {
        Write-Output 'the next may ask something; if it hangs: exclude:$_.InstallationBehavior.CanRequestUserInput'
    }
    if (-not $update.EulaAccepted) { $update.AcceptEula() }
    Write-Output "chosen: $($update.Title)"
    [void]$updates.Add($update)
}
if ($updates.Count -eq 0) {
    Write-Output 'nothing to install'
    Write-Result 0 0 $false
    exit 0
}

$downloader = $session.CreateUpdateDownloader()
$downloader.Updates = $updates
$download = $downloader.Download()
Write-Output "the download $(Get-ResultName $download.ResultCode)"
$ready = New-Object -ComObject 'Microsoft.Update.UpdateColl'
for ($number = 0; $number -lt $updates.Count; $number++) {
    if ($updates.Item($number).IsDownloaded) { [void]$ready.Add($updates.Item($number)) }
}
if ($ready.Count -eq 0) {
    Write-Result $updates.Count 0 $true
    exit 1
}
$installer = $session.CreateUpdateInstaller()
$installer.Updates = $ready
$installation = $installer.Install()
$installed = 0
for ($number = 0; $number -lt $ready.Count; $number++) {
    $result = $installation.GetUpdateResult($number)
    if ($result.ResultCode -eq 2 -or $result.ResultCode -eq 3) { $installed++ }
    $name = Get-ResultName $result.ResultCode
    Write-Output ('{0} (0x{1:X8}): {2}' -f $name, $result.HResult, $ready.Item($number).Title)
}
# What did not install in a round with others is tried again in the next; a round in which nothing did is a failure.
Write-Result $updates.Count $installed ($installed -eq 0)
if ($installed -eq 0) { exit 1 }
