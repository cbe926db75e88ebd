whoami.exe
