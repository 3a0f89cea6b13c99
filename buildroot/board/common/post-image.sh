#!/bin/sh
# Called by Buildroot with the images folder and the name of the board, after the file systems are made: puts the card
# image together. A board has a genimage.cfg of its own, or it is a Raspberry Pi and shares that of its family.
set -eu

images=$1
board=$2
boards=$(dirname "$0")/..
work=$BUILD_DIR/genimage.tmp

rm -rf "$work"
mkdir -p "$work/empty"
trap 'rm -rf "$work"' EXIT

# A file of the boot partition: its name there, and where it is among the images.
boot_file() { # name image
	printf '\t\tfile "%s" {\n\t\t\timage = "%s"\n\t\t}\n' "$1" "$2"
}

# The firmware and its settings in the root of the boot partition; kernel, device trees and command line of each slot in
# a folder of its own, so that config.txt (os_prefix) chooses kernel and root file system together.
raspberrypi_boot_files() {
	kernel=$(sed -n 's/^kernel=//p' "$images/rpi-firmware/config.txt")
	for file in "$images"/rpi-firmware/* "$images"/rpi-firmware/overlays/*; do
		name=${file#"$images/rpi-firmware/"}
		if [ ! -f "$file" ] || [ "$name" = cmdline.txt ]; then continue; fi
		boot_file "$name" "rpi-firmware/$name"
	done
	for slot in a b; do
		boot_file "$slot/$kernel" "$kernel"
		boot_file "$slot/cmdline.txt" "cmdline-$slot.txt"
		for file in "$images"/*.dtb; do boot_file "$slot/${file##*/}" "${file##*/}"; done
	done
}

# The data partition gets its file system at the first boot. It begins with zeros, so that a card that is written anew
# does not show the data of its former life.
rm -f "$images/data.empty"
truncate -s 64M "$images/data.empty"

config=$boards/$board/genimage.cfg
if [ ! -e "$config" ]; then
	config=$work/genimage.cfg
	for slot in a:2 b:3; do
		sed "s/@ROOT@/${slot#*:}/" "$images/rpi-firmware/cmdline.txt" >"$images/cmdline-${slot%:*}.txt"
	done
	raspberrypi_boot_files >"$work/boot-files"
	sed -e "/#BOOT_FILES#/{r $work/boot-files" -e 'd}' "$boards/raspberrypi/genimage.cfg.in" >"$config"
fi

genimage --rootpath "$work/empty" --tmppath "$work/tmp" \
	--inputpath "$images" --outputpath "$images" --config "$config"
