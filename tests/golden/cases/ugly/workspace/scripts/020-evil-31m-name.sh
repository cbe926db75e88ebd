#!/bin/sh
# "q" 's' ${var.x} %{if true} $${y} \ \n `id` $(id) 🎉 é <b> & ; | 	#
printf '%s' 'carriage
return' > /tmp/from-script
