if (-not (Test-Path C:\Windows)) { exit 1 }
