#!/bin/sh
# The first program of the User-Mode Linux board: mounts, a GPIO chip as a Raspberry Pi's, the network, the agent.
# The kernel hands over the words of its command line that hold a "=" as variables: rig_share, rig_checkout, rig_address.
: "${rig_share:?}" "${rig_checkout:?}" "${rig_address:?}"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts
mount -t devpts devpts /dev/pts
for folder in /dev/shm /run /tmp /var/tmp /var/lib /etc/alsa /media; do
    [ ! -d "$folder" ] || mount -t tmpfs tmpfs "$folder"
done
mount -t configfs config /sys/kernel/config
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing
mkdir -p /run/offhook-rig /run/offhook-checkout /run/offhook /var/lib/offhook /run/home
mount -t hostfs -o "$rig_share" share /run/offhook-rig
mount -t hostfs -o "$rig_checkout",ro checkout /run/offhook-checkout
mount -t ext4 -o commit=1 /dev/ubda /var/lib/offhook
export HOME=/run/home

# A chip with 54 lines and the label of the one in a Raspberry Pi.
rig=/sys/kernel/config/gpio-sim/rig
mkdir -p "$rig/bank0"
echo 54 >"$rig/bank0/num_lines"
echo pinctrl-bcm2835 >"$rig/bank0/label"
line=0
while [ "$line" -lt 54 ]; do
    mkdir "$rig/bank0/line$line"
    echo "GPIO$line" >"$rig/bank0/line$line/name"
    line=$((line + 1))
done
echo 1 >"$rig/live"

ip link set lo up
ip address add "$rig_address" dev vec0
ip link set vec0 up

cd /run/home || exit 1
/usr/bin/python3 -I /run/offhook-rig/agent.py /dev/ttyS1 /run/offhook-rig 2>/dev/console
# The agent has been told to end, or could not begin: the board goes off.
sync
echo o >/proc/sysrq-trigger
sleep 60
