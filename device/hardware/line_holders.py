"""Who may hold a GPIO line besides us, and the line to type that frees it. Loaded for a line that is taken only."""

import contextlib
import glob
import os
import shlex

SYSFS = "/sys/class/gpio"

KERNEL_DRIVERS = {
    "sysfs": "give it back with `echo {number} | sudo tee /sys/class/gpio/unexport`",
    "w1": "remove `dtoverlay=w1-gpio` from config.txt and restart",
    "onewire": "remove `dtoverlay=w1-gpio` from config.txt and restart",
    "spi": "stop SPI with `sudo raspi-config nonint do_spi 1`, or remove `dtparam=spi=on` from config.txt, and restart",
    "i2c": "stop I2C with `sudo raspi-config nonint do_i2c 1`, or remove `dtparam=i2c_arm=on`, and restart",
    "sda": "remove the `dtoverlay=i2c-gpio` from config.txt and restart",
    "scl": "remove the `dtoverlay=i2c-gpio` from config.txt and restart",
    "shutdown": "remove `dtoverlay=gpio-shutdown` from config.txt and restart",
    "power": "remove `dtoverlay=gpio-shutdown` or `gpio-poweroff` from config.txt and restart",
    "ir-receiver": "remove `dtoverlay=gpio-ir` from config.txt and restart",
    "lirc": "remove `dtoverlay=gpio-ir` from config.txt and restart",
    "dht11": "remove `dtoverlay=dht11` from config.txt and restart",
    "led": "remove the `dtoverlay=gpio-led` or `dtparam=act_led_gpio` from config.txt and restart",
    "hog": "remove the gpio-hog from the device tree (an overlay in config.txt) and restart",
    "cd": "remove the overlay of that memory card slot from config.txt and restart",
    "pinctrl": "remove the overlay that gives the pin to another device from config.txt and restart",
}
"""The line to type for a holder whose name begins so: the consumers that drivers of the kernel give themselves."""


def way_out(holder: str, chip: str = "", offset: int = -1, folder: str = SYSFS) -> str:
    """What frees a line from `holder`, whose name is empty where the kernel does not tell it.

    `chip` is the label of the chip, `offset` that of the line: what was exported by hand has a number of its own.
    """
    if not holder:
        return (
            "`sudo grep -r . /sys/kernel/debug/pinctrl/*/pinmux-pins` tells which; remove its overlay from config.txt"
        )
    if holder.startswith("offhook"):
        return "that is another offhook: end it with `sudo systemctl stop offhook`"
    said = holder.lower()
    for beginning, advice in KERNEL_DRIVERS.items():
        if said.startswith(beginning):
            return advice.replace("{number}", _sysfs_number(chip, offset, folder))
    return f"end that program (`pgrep -a {shlex.quote(holder.split(maxsplit=1)[0])}` shows it)"


def _sysfs_number(chip: str, offset: int, folder: str) -> str:
    """The number of a line among all of this machine; NUMBER where it is not known."""
    if offset < 0:
        return "NUMBER"
    for path in glob.glob(os.path.join(folder, "gpiochip*")):
        with contextlib.suppress(OSError, ValueError), open(os.path.join(path, "label"), encoding="utf-8") as label:
            if label.read().strip() == chip:
                with open(os.path.join(path, "base"), encoding="ascii") as base:
                    return str(int(base.read()) + offset)
    return "NUMBER"
