Write-Output 'installing'
exit 3010
