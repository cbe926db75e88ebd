#!/bin/sh
set -e
echo windows > /tmp/from-windows
