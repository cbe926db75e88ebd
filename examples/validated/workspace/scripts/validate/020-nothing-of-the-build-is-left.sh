#!/bin/sh -e
test ! -e /tmp/DeprovisioningScript.sh
test -z "$(sudo ls /var/lib/apt/lists/ | grep -v -e partial -e lock -e auxfiles)"
