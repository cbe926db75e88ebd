#!/bin/sh -e
test "$(greet)" = 'hello from the image'
