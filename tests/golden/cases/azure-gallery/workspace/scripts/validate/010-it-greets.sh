#!/bin/sh -e
grep Welcome /etc/motd
