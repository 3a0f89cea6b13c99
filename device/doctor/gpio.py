"""GPIO: chips, rights, the lines of the profile and who holds them, and what the boot settings of a Pi do to them."""

import os
from collections.abc import Iterator

from device.doctor.case import Case, lines_of
from device.doctor.finding import Finding, error, note, ok, warning
from device.doctor.system_view import GpioChip, SystemView
from device.errors import DeviceError
from device.hardware.interfaces import HEADER_CHIP, HEADER_LABELS, LineSpec
from device.hardware.pwm import chip_folder

AREA = "gpio"
PWM_FOLDER = "/sys/class/pwm"
INSTALL_RULES = "sudo firmware_scripts/install-system /"
OLDEST_KERNEL = (5, 10)
"""The first with version 2 of the GPIO character device and with debounce in it."""

BOOT_SETTINGS = ("/boot/firmware/config.txt", "/boot/config.txt")
"""Where a Raspberry Pi keeps them: Debian 12 and later, and before."""

PINS_OF_OVERLAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "w1-gpio": ("gpiopin", (4,)),
    "gpio-ir": ("gpio_pin", (18,)),
    "gpio-ir-tx": ("gpio_pin", (18,)),
    "gpio-fan": ("gpiopin", (12,)),
    "gpio-shutdown": ("gpio_pin", (3,)),
    "gpio-poweroff": ("gpiopin", (26,)),
    "dht11": ("gpiopin", (4,)),
    "pwm": ("pin", (18,)),
    "pwm-2chan": ("", (18, 19)),
    "hifiberry-dac": ("", (18, 19, 21)),
    "i2s-mmap": ("", (18, 19, 20, 21)),
    "uart2": ("", (0, 1)),
    "uart3": ("", (4, 5)),
    "uart4": ("", (8, 9)),
    "uart5": ("", (12, 13)),
}
"""Overlays that take header pins: the parameter that moves the pin, and the pins (README of the overlays)."""

PINS_OF_PARAMETERS: dict[str, tuple[int, ...]] = {
    "i2c_arm": (2, 3),
    "i2c1": (2, 3),
    "i2c": (2, 3),
    "spi": (7, 8, 9, 10, 11),
    "i2s": (18, 19, 20, 21),
}
"""The same for `dtparam=NAME=on`."""

OUTPUTS_THAT_HARM = ("relays.", "ringer.")


def examine_gpio(case: Case) -> Iterator[Finding]:
    """Everything about GPIO; a simulated board needs none of it."""
    if case.profile is None:
        yield error(
            "board",
            f"the board profile cannot be used: {case.profile_fault}",
            "offhook settings set hardware.board=NAME",
        )
        return
    source = "" if case.settings_known else " (the settings could not be read: say --board NAME to examine another)"
    yield ok("board", f"profile {case.profile.name!r}, driver {case.profile.driver}{source}")
    if not case.drives_gpio:
        yield note(
            AREA,
            "the board is simulated, no line is used",
            "for real lines: sudo offhook settings set hardware.board=raspberry-pi",
        )
        return
    yield from _kernel(case.view)
    yield from _rights(case)
    if case.view.is_live or case.view.exists("/dev"):
        yield from _lines(case)
    if case.view.is_live:
        yield from _pwm(case)
    yield from _boot_settings(case)


def _kernel(view: SystemView) -> Iterator[Finding]:
    release = view.kernel_release()
    numbers = release.replace("-", ".").split(".")
    if len(numbers) < 2 or not (numbers[0].isdecimal() and numbers[1].isdecimal()):
        return
    if (int(numbers[0]), int(numbers[1])) < OLDEST_KERNEL:
        yield error(
            AREA,
            f"kernel {release} is too old: lines are asked for by version 2 of the GPIO device, which came with 5.10",
            "sudo apt-get update && sudo apt-get full-upgrade && sudo reboot",
        )


def _rights(case: Case) -> Iterator[Finding]:
    view = case.view
    chips = [name for name in view.names("/dev") if name.startswith("gpiochip")]
    if not view.has_group("gpio"):
        yield error(AREA, "there is no group gpio, which the GPIO chips are to belong to", INSTALL_RULES)
    for name in chips:
        node = view.node(f"/dev/{name}")
        if node is not None and (node.group != "gpio" or node.mode & 0o060 != 0o060):
            yield error(
                AREA,
                f"/dev/{name} belongs to group {node.group} with mode {node.mode:03o}, not to gpio with 660",
                INSTALL_RULES if not view.exists("/usr/lib/udev/rules.d/60-offhook.rules") else "sudo udevadm trigger",
            )
    if not chips:
        yield error(
            AREA,
            "there is no GPIO chip in /dev: the kernel has no driver for this board's, or it is not loaded",
            "dmesg | grep -i -e gpio -e pinctrl   (or, without GPIO: offhook settings set hardware.board=simulated)",
        )


def _lines(case: Case) -> Iterator[Finding]:
    assert case.profile is not None
    try:
        chips = case.view.gpio_chips()
    except DeviceError as fault:
        yield error(AREA, str(fault), f"sudo offhook doctor   (or: sudo usermod -aG gpio {case.user})")
        return
    if not chips:
        if any(name.startswith("gpiochip") for name in case.view.names("/dev")):
            yield note(AREA, "the GPIO chips may not be opened by this user", "sudo offhook doctor")
        return
    faults = 0
    for name, spec in lines_of(case.profile):
        for finding in _line(case, chips, name, spec):
            faults += 1
            yield finding
    if not faults:
        names = ", ".join(f"{chip.label} ({len(chip.lines)} lines)" for chip in chips)
        yield ok(AREA, f"all {len(lines_of(case.profile))} lines of the profile are there: {names}")


def _line(case: Case, chips: list[GpioChip], name: str, spec: LineSpec) -> Iterator[Finding]:
    chip = _chip_of(chips, spec.chip)
    if chip is None:
        there = ", ".join(f"{one.path} ({one.label})" for one in chips)
        yield error(AREA, f"{name}: there is no GPIO chip {spec.chip!r}; there are: {there}", "offhook board list")
        return
    line = next((one for one in chip.lines if spec.line in (one.offset, one.name)), None)
    if line is None:
        yield error(
            AREA, f"{name}: chip {chip.label} has no line {spec.line!r}", "choose another line in the board profile"
        )
        return
    if line.holder and not (line.holder.startswith("offhook") and case.status is not None):
        yield error(
            AREA, f"{name}: line {spec.line} is in use by {line.holder!r}", _remedy_for(line.holder, line.offset)
        )


def _pwm(case: Case) -> Iterator[Finding]:
    """A ringer on a PWM channel, which the kernel gives by files of its own."""
    assert case.profile is not None
    spec = case.profile.ringer.pwm if case.profile.ringer is not None else None
    if spec is None or spec.line is not None:
        return
    try:
        folder = chip_folder("ringer.pwm", spec.chip, case.view.path(PWM_FOLDER))
    except DeviceError as fault:
        yield error(AREA, str(fault), "ls -l /sys/class/pwm")
        return
    name = f"{PWM_FOLDER}/{os.path.basename(folder)}"
    channels = case.view.read(f"{name}/npwm") or ""
    if channels.isdecimal() and spec.channel >= int(channels):
        yield error(
            AREA,
            f"ringer.pwm: {os.path.basename(folder)} has {channels} channels, counted from 0; the profile wants "
            f"{spec.channel}",
            "choose another channel in the board profile",
        )
        return
    node = case.view.node(f"{name}/export")
    if node is not None and (node.group != "gpio" or node.mode & 0o020 == 0):
        yield error(
            AREA,
            f"{name}/export belongs to group {node.group} with mode {node.mode:03o}: the phone may not use the channel",
            INSTALL_RULES,
        )
        return
    yield ok(AREA, f"ringer.pwm: channel {spec.channel} of {os.path.basename(folder)} is there")


def _chip_of(chips: list[GpioChip], wanted: str) -> GpioChip | None:
    labels = HEADER_LABELS if wanted == HEADER_CHIP else (wanted,)
    for label in labels:
        for chip in chips:
            if label in (chip.label, chip.path, chip.path.rpartition("/")[2]):
                return chip
    return None


def _remedy_for(holder: str, offset: int) -> str:
    """What frees a line, by the name that drivers and programs give themselves."""
    word = holder.lower()
    if word.startswith(("w1", "onewire")):
        return "remove dtoverlay=w1-gpio from config.txt and reboot"
    if word.startswith("spi"):
        return "remove dtparam=spi=on from config.txt and reboot"
    if word.startswith(("ir", "gpio_ir")):
        return "remove dtoverlay=gpio-ir from config.txt and reboot"
    if word == "sysfs":
        return f"ls -d /sys/class/gpio/gpio*; echo NUMBER | sudo tee /sys/class/gpio/unexport   (line {offset})"
    if word.startswith("offhook"):
        return "offhook is running, but not this one: ps ax | grep offhook"
    return (
        f"find that program and end it: ps ax | grep {holder.partition(' ')[0]}; or choose another line in the profile"
    )


# The boot settings of a Raspberry Pi.


def boot_lines(view: SystemView) -> tuple[str, list[str]]:
    """The file of boot settings and its lines in force, without comments; nothing where there is no such file."""
    for name in BOOT_SETTINGS:
        text = view.read(name)
        if text is not None:
            lines = (line.partition("#")[0].strip() for line in text.splitlines())
            return name, [line for line in lines if line]
    return "", []


def _boot_settings(case: Case) -> Iterator[Finding]:
    assert case.profile is not None
    file, lines = boot_lines(case.view)
    if not file:
        return
    used = {
        spec.line: name
        for name, spec in lines_of(case.profile)
        if isinstance(spec.line, int) and spec.chip in (HEADER_CHIP, *HEADER_LABELS)
    }
    for line in lines:
        for pin in _pins_taken_by(line):
            if pin in used:
                yield error(
                    AREA,
                    f"{file}: {line!r} takes GPIO{pin}, which the profile uses for {used[pin]}",
                    f"sudo sed -i 's/^{line}/#&/' {file} && sudo reboot",
                )
    if "uart" not in "".join(lines) and {14, 15} & used.keys():
        yield note(AREA, "GPIO14 and GPIO15 are the serial line of the header; the profile uses them for itself")
    yield from _power_on(case, file, lines)


def _pins_taken_by(line: str) -> tuple[int, ...]:
    key, _, value = line.partition("=")
    if key == "dtoverlay":
        name, *parameters = value.split(",")
        if name not in PINS_OF_OVERLAYS:
            return ()
        moved_by, pins = PINS_OF_OVERLAYS[name]
        for parameter in parameters:
            word, _, number = parameter.partition("=")
            if moved_by and word == moved_by and number.isdecimal():
                return (int(number),)
        return pins
    if key == "dtparam":
        found: list[int] = []
        for parameter in value.split(","):
            word, _, state = parameter.partition("=")
            if state in ("on", "", "1", "true"):
                found += PINS_OF_PARAMETERS.get(word, ())
        return tuple(found)
    if key == "enable_uart" and value == "1":
        return (14, 15)
    return ()


def _pins_in(text: str) -> Iterator[int]:
    """The pins of a line "gpio=": "18", "18,23", "18-23,4" (config.txt, conditional settings of GPIO)."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            yield from range(int(first), int(last or first) + 1)


def _power_on(case: Case, file: str, lines: list[str]) -> Iterator[Finding]:
    """Relays and bell are to be off from the moment the board has power, long before any program runs."""
    assert case.profile is not None
    wanted: dict[bool, list[int]] = {}
    set_already = {
        pin
        for line in lines
        if line.startswith("gpio=") and {"dl", "dh"} & set(line.rpartition("=")[2].split(","))
        for pin in _pins_in(line[5:].partition("=")[0])
    }
    for name, spec in lines_of(case.profile):
        if name.startswith(OUTPUTS_THAT_HARM) and isinstance(spec.line, int) and spec.line not in set_already:
            wanted.setdefault(spec.active_low, []).append(spec.line)
    for active_low, pins in wanted.items():
        setting = f"gpio={','.join(map(str, pins))}=op,{'dh' if active_low else 'dl'}"
        yield warning(
            AREA,
            f"from power-on until the phone starts, relays and bell at GPIO {', '.join(map(str, pins))} are left to "
            "their resistors",
            f"echo '{setting}' | sudo tee -a {file}",
        )
