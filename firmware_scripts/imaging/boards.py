"""What differs between boards: kernel, boot loader, firmware, serial line, modules."""

from __future__ import annotations

from dataclasses import dataclass, field

COMMON_MODULES = (
    "kernel/crypto/*",
    "kernel/lib/*",
    "kernel/arch/*/crypto/*",
    "kernel/fs/ext4/*",
    "kernel/fs/squashfs/*",
    "kernel/fs/overlayfs/*",
    "kernel/fs/fat/*",
    "kernel/fs/nls/nls_cp437*",
    "kernel/fs/nls/nls_ascii*",
    "kernel/fs/nls/nls_utf8*",
    "kernel/fs/nls/nls_iso8859-1*",
    "kernel/fs/exfat/*",
    "kernel/fs/autofs/*",
    "kernel/fs/configfs/*",
    "kernel/fs/fuse/fuse*",
    "kernel/drivers/block/loop*",
    "kernel/drivers/char/hw_random/*",
    "kernel/drivers/gpio/*",
    "kernel/drivers/i2c/*",
    "kernel/drivers/input/keyboard/gpio*",
    "kernel/drivers/input/evdev*",
    "kernel/drivers/hid/hid*",
    "kernel/drivers/hid/usbhid/*",
    "kernel/drivers/leds/*",
    "kernel/drivers/pwm/*",
    "kernel/drivers/rtc/*",
    "kernel/drivers/spi/*",
    "kernel/drivers/tty/serial/*",
    "kernel/drivers/watchdog/*",
    "kernel/drivers/usb/core/*",
    "kernel/drivers/usb/common/*",
    "kernel/drivers/usb/host/*",
    "kernel/drivers/usb/serial/*",
    "kernel/drivers/usb/class/*",
    "kernel/drivers/usb/storage/*",
    "kernel/drivers/scsi/sd_mod*",
    "kernel/drivers/scsi/scsi_mod*",
    "kernel/drivers/net/usb/*",
    "kernel/drivers/net/phy/*",
    "kernel/drivers/net/mdio/*",
    "kernel/drivers/net/dummy*",
    "kernel/drivers/net/ifb*",
    "kernel/drivers/net/tun*",
    "kernel/drivers/net/macvlan*",
    "kernel/net/8021q/*",
    "kernel/net/802/*",
    "kernel/net/llc/*",
    "kernel/net/ipv6/ipv6*",
    "kernel/net/packet/*",
    "kernel/net/sched/*",
    "kernel/sound/core/*",
    "kernel/sound/drivers/*",
    "kernel/sound/usb/snd-usb-audio*",
    "kernel/sound/usb/snd-usbmidi*",
)
"""Modules of the kernel that every board gets, as patterns of their paths; what they depend on comes along."""


@dataclass(frozen=True, slots=True)
class ImageBoard:
    """One board that `build-image` knows."""

    name: str
    title: str
    kernel: str
    """Debian's package of the kernel, with its release where it is another one."""
    boot_package: str
    boot_loader: str
    """The file of U-Boot in `boot_package`."""
    console: str
    """The serial line of the technician."""
    arguments: str
    """What the kernel is told."""
    modules: tuple[str, ...]
    early_modules: tuple[str, ...]
    """What has to be loaded before the root file system can be mounted."""
    device_trees: tuple[str, ...] = ()
    firmware: tuple[str, ...] = ()
    """Files of the package raspi-firmware for the boot partition."""
    settings: str = ""
    """config.txt of the Raspberry Pi's firmware."""
    packages: tuple[str, ...] = field(default=())
    soundness: str = ""
    """What was not proven, told at the end of the build."""


EARLY = ("squashfs", "overlay", "ext4", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1")

RASPBERRY_MODULES = (
    "kernel/drivers/bluetooth/btbcm*",
    "kernel/drivers/char/broadcom/*",
    "kernel/drivers/clk/bcm/*",
    "kernel/drivers/dma/bcm2835*",
    "kernel/drivers/firmware/*",
    "kernel/drivers/gpu/drm/vc4/*",
    "kernel/drivers/hwmon/raspberrypi*",
    "kernel/drivers/mailbox/*",
    "kernel/drivers/media/common/videobuf2/*",
    "kernel/drivers/mfd/*",
    "kernel/drivers/mmc/*",
    "kernel/drivers/net/ethernet/broadcom/genet/*",
    "kernel/drivers/net/wireless/broadcom/brcm80211/*",
    "kernel/drivers/nvmem/*",
    "kernel/drivers/phy/broadcom/*",
    "kernel/drivers/pinctrl/*",
    "kernel/drivers/pmdomain/*",
    "kernel/drivers/reset/*",
    "kernel/drivers/soc/bcm/*",
    "kernel/drivers/staging/vc04_services/*",
    "kernel/drivers/thermal/broadcom/*",
    "kernel/drivers/usb/dwc2/*",
    "kernel/drivers/usb/gadget/*",
    "kernel/drivers/usb/phy/*",
    "kernel/drivers/usb/roles/*",
    "kernel/drivers/regulator/*",
    "kernel/sound/soc/*",
)
RASPBERRY_EARLY = (
    "bcm2835-mmc", "bcm2835", "sdhci-iproc", "mmc_block", "dwc2", "raspberrypi-hwmon", "usb-storage", "uas", "sd_mod",
    "phy-generic", "bcm2835_wdt", "reset-raspberrypi", "pcie-brcmstb", "xhci-pci", "xhci-hcd", "gpio-raspberrypi-exp",
    "gpio-regulator", "i2c-bcm2835", "broadcom", "genet",
)  # fmt: skip

CONFIG_TXT = """\
# Read by the Raspberry Pi's own firmware, which starts U-Boot, which chooses the slot; see docs/image.md.
arm_64bit=1
kernel=u-boot.bin
enable_uart=1
upstream_kernel=1
disable_overscan=1
gpu_mem=16
"""


def _raspberry(name: str, title: str, console: str, soundness: str) -> ImageBoard:
    return ImageBoard(
        name=name,
        title=title,
        kernel="linux-image-arm64",
        boot_package="u-boot-rpi",
        boot_loader="usr/lib/u-boot/rpi_arm64/u-boot.bin",
        console=console,
        arguments=f"console=tty1 console={console},115200 panic=10 quiet loglevel=4 systemd.show_status=0",
        modules=COMMON_MODULES + RASPBERRY_MODULES,
        early_modules=EARLY + RASPBERRY_EARLY,
        device_trees=("broadcom/bcm2837*.dtb", "broadcom/bcm2710*.dtb", "broadcom/bcm2711*.dtb"),
        firmware=("bootcode.bin", "start*.elf", "fixup*.dat"),
        settings=CONFIG_TXT,
        soundness=soundness,
    )


BOARDS = {
    board.name: board
    for board in (
        ImageBoard(
            name="virt",
            title="QEMU's aarch64 machine virt",
            # The first kernel of Debian that has gpio-sim.
            kernel="linux-image-arm64/trixie-backports",
            boot_package="u-boot-qemu",
            boot_loader="usr/lib/u-boot/qemu_arm64/u-boot.bin",
            console="ttyAMA0",
            arguments="console=ttyAMA0,115200 panic=10 quiet loglevel=4 systemd.show_status=0",
            modules=(
                *COMMON_MODULES,
                "kernel/drivers/virtio/*",
                "kernel/drivers/block/virtio_blk*",
                "kernel/drivers/char/virtio_console*",
                "kernel/drivers/firmware/qemu_fw_cfg*",
                "kernel/drivers/net/virtio_net*",
                "kernel/drivers/scsi/virtio_scsi*",
                "kernel/fs/9p/*",
                "kernel/fs/netfs/*",
                "kernel/net/9p/*",
                "kernel/sound/virtio/*",
                "kernel/sound/hda/*",
                "kernel/sound/pci/hda/*",
            ),
            early_modules=(*EARLY, "virtio_pci", "virtio_mmio", "virtio_blk", "qemu_fw_cfg"),
        ),
        _raspberry(
            "rpi3",
            "Raspberry Pi 3 A+, B, B+ and Zero 2 W",
            "ttyS1",
            "no Raspberry Pi 3 has been started with this image yet",
        ),
        _raspberry("rpi4", "Raspberry Pi 4 and 400", "ttyS1", "no Raspberry Pi 4 has been started with this image yet"),
    )
}
