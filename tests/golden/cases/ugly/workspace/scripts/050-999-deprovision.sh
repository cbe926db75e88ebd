#!/bin/sh -e
sudo cp /tmp/from-inline /tmp/from-script /tmp/from-windows /opt/ugly/
sudo cp /tmp/it*.bin /opt/ugly/file.bin
