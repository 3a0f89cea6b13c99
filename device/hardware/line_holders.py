"""Who may hold a GPIO line besides us, and the line to type that frees it. Loaded for a line that is taken only."""

import shlex

KERNEL_DRIVERS = {
    "sysfs": "give it back with `echo NUMBER | sudo tee /sys/class/gpio/unexport` (`ls /sys/class/gpio` shows NUMBER)",
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


def way_out(holder: str) -> str:
    """What frees a line from `holder`, whose name is empty where the kernel does not tell it."""
    if not holder:
        return (
            "`sudo grep -r . /sys/kernel/debug/pinctrl/*/pinmux-pins` tells which; remove its overlay from config.txt"
        )
    if holder.startswith("offhook"):
        return "that is another offhook: end it with `sudo systemctl stop offhook`"
    said = holder.lower()
    for beginning, advice in KERNEL_DRIVERS.items():
        if said.startswith(beginning):
            return advice
    return f"end that program (`pgrep -a {shlex.quote(holder.split(maxsplit=1)[0])}` shows it)"
