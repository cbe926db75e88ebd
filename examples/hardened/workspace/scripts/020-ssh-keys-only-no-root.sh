#!/bin/sh -e
printf '%s\n' 'PermitRootLogin no' 'PasswordAuthentication no' 'X11Forwarding no' 'MaxAuthTries 3' | sudo tee /etc/ssh/sshd_config.d/60-hardening.conf
sudo sshd -t
