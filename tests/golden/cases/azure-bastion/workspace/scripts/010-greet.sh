#!/bin/sh -e
echo 'Welcome.' | sudo tee /etc/motd
