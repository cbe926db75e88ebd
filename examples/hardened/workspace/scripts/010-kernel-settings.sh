#!/bin/sh -e
printf '%s\n' 'kernel.kptr_restrict = 2' 'kernel.dmesg_restrict = 1' 'net.ipv4.conf.all.rp_filter = 1' 'net.ipv4.conf.all.accept_redirects = 0' 'net.ipv6.conf.all.accept_redirects = 0' | sudo tee /etc/sysctl.d/60-hardening.conf
sudo sysctl --quiet --load /etc/sysctl.d/60-hardening.conf
