WAAGENT=/usr/sbin/waagent
waagent -version 1> /dev/null 2>&1
if [ $? -eq 0 ]; then WAAGENT=waagent; fi
$WAAGENT -force -deprovision+user && export HISTSIZE=0 && sync
