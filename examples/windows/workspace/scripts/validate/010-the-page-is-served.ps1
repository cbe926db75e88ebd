$page = Invoke-WebRequest -UseBasicParsing http://localhost/
if ($page.Content -notmatch 'imagegen') { exit 1 }
