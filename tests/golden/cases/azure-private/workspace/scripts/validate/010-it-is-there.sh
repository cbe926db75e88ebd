#!/bin/sh -e
test -s /opt/data.bin
