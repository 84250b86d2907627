#!/bin/sh
# Gathers NVIDIA's libraries of a virtual environment in one folder, under the unversioned names that Paddle
# opens (libcudnn.so, libcublas.so, ...) beside the versioned ones. Leaves the folder empty where there are none.
set -eu
packages=$1/lib/python3.11/site-packages
target=$2/lib
mkdir -p "$target"
for library in "$packages"/nvidia/*/lib/lib*.so.*; do
  [ -e "$library" ] || continue
  name=$(basename "$library")
  ln -sf "$library" "$target/$name"
  ln -sf "$library" "$target/${name%%.so.*}.so"
done
