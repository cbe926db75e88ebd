#!/bin/sh
# café
echo "café ${HOME} %{x}"
