"""What the phone stands on: store and file system, clock, network and servers, watchdog, power and heat."""

import time
from collections.abc import Iterator

from device.doctor.case import Case
from device.doctor.finding import Finding, error, note, ok, warning

YEAR_2020 = 1_577_836_800
ROOM_NEEDED_BYTES, ROOM_WANTED_BYTES = 4 << 20, 32 << 20
MEMORY_WANTED_KIB = 48 * 1024
HOT_MILLIDEGREES = 80_000
NOT_DURABLE = ("tmpfs", "ramfs", "overlay")
NOT_SAFE = {"vfat": "keeps no journal", "exfat": "keeps no journal", "ext2": "keeps no journal"}
UNSAFE_OPTIONS = ("nobarrier", "barrier=0", "data=writeback")
THROTTLED = {
    0: "too low a voltage right now",
    2: "throttled right now",
    16: "too low a voltage since the start",
    18: "throttled since the start",
}
"""Bits of the word of the firmware (vcgencmd get_throttled)."""
THROTTLED_FILES = (
    "/sys/devices/platform/soc/soc:firmware/get_throttled",
    "/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
)


def examine_store(case: Case) -> Iterator[Finding]:
    """Whether what is stored is whole, and whether it outlives a power cut."""
    view, look = case.view, case.look
    for notice in (case.status or {}).get("notices", []):
        yield warning("phone", str(notice), "offhook log | less")
    if look.fault:
        yield error("store", look.fault, f"cp -a {case.store}* /somewhere/safe; then start the phone, which mends it")
    elif look.is_readable:
        yield ok("store", f"{case.store} is whole: {look.accounts} account(s), {len(look.settings)} setting(s)")
        if not look.has_copy:
            yield note("store", "there is no last good copy yet; it is made with the first change")
    elif case.status is None and look.exists:
        yield note("store", f"{case.store} is closed to this user", "sudo offhook doctor")
    elif not look.exists:
        yield note(
            "store", f"there is no {case.store} yet; it is made at the first start", "sudo systemctl start offhook"
        )
    node = view.node(case.store)
    if node is not None and node.mode & 0o077:
        yield warning("store", f"{case.store} may be read by others (mode {node.mode:03o})", f"chmod 600 {case.store}")
    yield from _room(case)
    yield from _durability(case)


def _room(case: Case) -> Iterator[Finding]:
    space = case.view.space(case.store)
    if space is None:
        return
    if space.read_only:
        yield error(
            "store",
            f"the file system of {case.store} is read-only: nothing that is set is kept",
            "sudo mount -o remount,rw "
            f"{(case.view.mount_of(case.store) or ('/', '', ''))[0]}; dmesg tells if the card has failed",
        )
    elif space.free < ROOM_NEEDED_BYTES:
        yield error("store", f"only {space.free >> 10} KiB are free for the store", "sudo journalctl --vacuum-size=20M")
    elif space.free < ROOM_WANTED_BYTES:
        yield warning("store", f"only {space.free >> 20} MiB are free", "sudo journalctl --vacuum-size=20M")


def _durability(case: Case) -> Iterator[Finding]:
    mount = case.view.mount_of(case.store)
    if mount is None:
        return
    point, kind, options = mount
    if kind in NOT_DURABLE:
        yield error(
            "store",
            f"{case.store} lies on {point} ({kind}), which is forgotten at power-off",
            "put /var/lib/offhook on a partition of its own: docs/boot.md",
        )
    elif kind in NOT_SAFE:
        yield warning(
            "store", f"{point} is {kind}, which {NOT_SAFE[kind]}: a power cut may cost the store", "use ext4 for it"
        )
    for option in set(options.split(",")) & set(UNSAFE_OPTIONS):
        yield warning(
            "store",
            f"{point} is mounted with {option}: a power cut may cost the store",
            f"take {option} out of /etc/fstab",
        )


def examine_clock(case: Case) -> Iterator[Finding]:
    """A clock that is wrong keeps TLS from working and dates calls wrongly; nothing else cares."""
    now = case.view.unix_time()
    day = time.strftime("%Y-%m-%d", time.gmtime(now))
    if now < YEAR_2020:
        yield error(
            "clock",
            f"the clock says {day}: no certificate can be checked, calls are dated wrongly until it is set",
            "sudo systemctl enable --now systemd-timesyncd",
        )
        return
    synchronised = case.view.clock_is_synchronised()
    if synchronised is False:
        yield warning(
            "clock",
            f"the clock says {day} and follows no time service",
            "name a server in /etc/default/ntpd, NTPD_ARGS='-p SERVER', then: /etc/init.d/S49ntpd restart"
            if case.view.exists("/etc/init.d/S49ntpd")
            else "sudo apt-get install systemd-timesyncd && sudo timedatectl set-ntp true",
        )
    elif synchronised:
        yield ok("clock", f"the clock says {day} and follows a time service")


def examine_network(case: Case) -> Iterator[Finding]:
    """Links, the default route, name servers, and the servers of the accounts."""
    view = case.view
    links = [name for name in view.names("/sys/class/net") if name != "lo"]
    up = [name for name in links if view.read(f"/sys/class/net/{name}/carrier") == "1"]
    if not up:
        there = f"none of {', '.join(links)} has a link" if links else "there is no interface but lo"
        yield error(
            "network", f"there is no network: {there}", "plug in the cable, or: sudo nmtui   (ip link shows them)"
        )
        return
    yield ok("network", f"link at {', '.join(up)}")
    routes = (view.read("/proc/net/route") or "").splitlines()[1:]
    routes_6 = (view.read("/proc/net/ipv6_route") or "").splitlines()
    default = any(line.split()[1:2] == ["00000000"] for line in routes) or any(
        line.startswith("0" * 32 + " 00 ") and not line.endswith(" lo") for line in routes_6
    )
    if not default:
        yield warning("network", "there is no default route: only neighbours can be reached", "ip route; ip -6 route")
    if "nameserver" not in (view.read("/etc/resolv.conf") or "") and not case.setting("sip.dns_servers", ""):
        yield warning(
            "network",
            "no name server is known: servers must be given by address",
            "sudo offhook settings set sip.dns_servers=192.0.2.53   (or let DHCP give one)",
        )
    yield from _accounts(case)


def _accounts(case: Case) -> Iterator[Finding]:
    if case.status is not None:
        for account in case.status.get("accounts", []):
            if account["state"] == "registered":
                yield ok("account", f"{account['id']} is registered")
            elif account["state"] in ("failed", "unusable"):
                yield error(
                    "account", f"{account['id']}: {account.get('text') or account['state']}", "offhook trace sip"
                )
            else:
                yield note("account", f"{account['id']} is {account['state']}", "offhook status")
        if not case.status.get("accounts"):
            yield note("account", "there is no account yet", "sudo offhook account add office 1001@pbx.example.com")
        return
    for server in case.look.servers:
        host = server.rpartition(":")[0] if server.count(":") == 1 else server
        if case.view.is_live and not case.view.resolves(host.strip("[]")):
            yield warning(
                "account", f"the server {host} leads to no address", f"getent hosts {host}   (see /etc/resolv.conf)"
            )


def examine_hardware(case: Case) -> Iterator[Finding]:
    """The board itself: model, watchdog, memory, power and heat."""
    view = case.view
    model = view.read("/proc/device-tree/model") or view.read("/sys/firmware/devicetree/base/model")
    yield ok("board", f"{model or 'a machine without a device tree'}, kernel {view.kernel_release() or 'unknown'}")
    yield from _watchdog(case)
    memory = next(
        (line.split()[1] for line in (view.read("/proc/meminfo") or "").splitlines() if line.startswith("MemAvail")), ""
    )
    if memory.isdecimal() and int(memory) < MEMORY_WANTED_KIB:
        yield warning("memory", f"only {int(memory) >> 10} MiB are free", "systemd-cgtop -m tells who has it")
    heat = view.read("/sys/class/thermal/thermal_zone0/temp") or ""
    if heat.isdecimal() and int(heat) >= HOT_MILLIDEGREES:
        yield warning("heat", f"the processor has {int(heat) // 1000} degrees Celsius", "give it air or a heat sink")
    yield from _power(case)


def _watchdog(case: Case) -> Iterator[Finding]:
    view = case.view
    if not any(name.startswith("watchdog") for name in view.names("/dev")):
        yield note("watchdog", "this board has no hardware watchdog, or its driver is not loaded")
        return
    said = view.run("systemctl", "show", "-p", "RuntimeWatchdogUSec", "--value")
    fed = said not in (None, "", "0", "infinity") or (
        not view.is_live and view.exists("/usr/lib/systemd/system.conf.d/50-offhook-watchdog.conf")
    )
    if fed:
        yield ok("watchdog", f"systemd feeds the hardware watchdog ({said or '14s'})")
    else:
        yield note(
            "watchdog",
            "nobody feeds the hardware watchdog: a board that hangs stays so",
            "sudo firmware_scripts/install-system / --watchdog && sudo systemctl daemon-reexec",
        )


def _power(case: Case) -> Iterator[Finding]:
    text = next((text for name in THROTTLED_FILES if (text := case.view.read(name))), "")
    if not text:
        text = (case.view.run("vcgencmd", "get_throttled") or "").partition("=")[2]
    try:
        word = int(text, 16)
    except ValueError:
        return
    faults = [what for bit, what in THROTTLED.items() if word >> bit & 1]
    if faults:
        yield warning(
            "power", f"the power supply is too weak: {', '.join(faults)}", "use the supply made for this board"
        )
    else:
        yield ok("power", "the voltage has been right since the start")
