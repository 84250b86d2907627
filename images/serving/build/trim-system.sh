#!/bin/sh
# Takes out of Debian what nothing in the image reads: documents, translations, character sets of other decades, caches,
# logs. Licences stay, and the list of packages, which scanners for vulnerabilities read; apt stays for images derived
# from this one. No file keeps a set-user-ID bit.
set -eu
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/log/* /var/lib/dpkg/*-old \
  /etc/haproxy /usr/share/locale /usr/share/man /usr/share/info /usr/share/lintian /usr/share/bug /usr/share/gdb \
  /usr/share/i18n /usr/share/bash-completion /usr/share/zoneinfo/right /usr/share/zoneinfo/posix \
  /usr/lib/x86_64-linux-gnu/gconv /usr/lib/python3.11/pydoc_data /usr/lib/python3.11/test
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -type l ! -name copyright -delete
find /usr/share/doc -depth -type d -empty -delete
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
