#!/bin/sh
# Compiles what is in C into the folder $1. What is made runs on every processor of its kind: it asks what this one has.
set -eu
cc -O2 -Wall -Wextra -Werror -shared -fPIC -s -o "$1/libnumberlist.so" "$(dirname "$0")/number_list.c"
