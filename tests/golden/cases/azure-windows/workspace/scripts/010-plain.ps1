Write-Output "${env:COMPUTERNAME} %{x}"
Get-Service | Where-Object { $_.Status -eq 'Running' }
