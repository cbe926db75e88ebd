#!/bin/sh -e
sudo chmod 0600 /etc/ssh/sshd_config
sudo chmod 0700 /root
echo 'umask 027' | sudo tee /etc/profile.d/umask.sh
