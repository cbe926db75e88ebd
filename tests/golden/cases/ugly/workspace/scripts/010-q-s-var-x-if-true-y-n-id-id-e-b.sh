#!/bin/sh -e
printf '%s' '"q" '\''s'\'' ${var.x} %{if true} $${y} \ \n `id` $(id) 🎉 é <b> & ; | 	#' > /tmp/from-inline
printf '%s' 'a
b' >> /tmp/from-inline
sudo mkdir -p /opt/ugly
