#!/bin/sh -e
sudo install -o root -g root -m 0644 /tmp/site.conf /etc/nginx/sites-available/default
sudo install -D -o root -g root -m 0644 /tmp/index.html /srv/www/index.html
sudo nginx -t
