#!/bin/sh
# Called by Buildroot with the target folder and the name of the board, after all packages are installed.
set -eu

target=$1

# Where partitions are mounted; a file system that is only read must have the folders.
mkdir -p "$target/boot" "$target/data" "$target/etc/offhook"
mkdir -p "$target/var/lib/offhook" "$target/var/lib/offhook-exchange"

# The overlay has files for either init; those of the other one go.
if grep -q '^BR2_INIT_SYSTEMD=y' "$BR2_CONFIG"; then
	rm -f "$target"/etc/init.d/S[0-9][0-9]offhook-* "$target/etc/init.d/S49ntpd"
else
	rm -rf "$target/etc/systemd"
fi
