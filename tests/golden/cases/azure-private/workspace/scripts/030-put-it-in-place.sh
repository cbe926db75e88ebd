#!/bin/sh -e
sudo install -m 0644 /tmp/it*.bin /opt/data.bin
