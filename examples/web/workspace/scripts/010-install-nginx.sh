#!/bin/sh
set -eu
export DEBIAN_FRONTEND=noninteractive
sudo apt-get update -q
sudo -E apt-get install -q -y --no-install-recommends nginx-light
sudo systemctl enable nginx
