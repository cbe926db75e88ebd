#!/bin/sh -e
sudo apt-get update -q
sudo DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chrony
