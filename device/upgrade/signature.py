"""Who made an upgrade: minisign's verdict over the manifest, by the public keys that the image was built with."""

import os
import subprocess
import tempfile

from device.upgrade.errors import UpgradeError

VERIFY_TIMEOUT_S = 60.0


def verify_signature(manifest: bytes, signature: bytes, keys_folder: str) -> str:
    """The name of the key file that signed the manifest. Raises UpgradeError when none did."""
    try:
        keys = sorted(name for name in os.listdir(keys_folder) if name.endswith(".pub"))
    except OSError:
        keys = []
    if not keys:
        raise UpgradeError(
            "this image knows no key for upgrades: put the public key of `firmware_scripts/make-signing-key` into "
            f"{keys_folder}"
        )
    with tempfile.TemporaryDirectory(prefix="offhook-upgrade-") as folder:
        message, sealed = os.path.join(folder, "manifest"), os.path.join(folder, "signature")
        for path, data in ((message, manifest), (sealed, signature)):
            with open(path, "wb") as file:
                file.write(data)
        for name in keys:
            if _signed_by(os.path.join(keys_folder, name), message, sealed):
                return name
    raise UpgradeError(
        f"the upgrade is not signed by a key of this image ({', '.join(keys)} in {keys_folder}): "
        "take it from its maker again"
    )


def _signed_by(key: str, message: str, sealed: str) -> bool:
    command = ("minisign", "-V", "-q", "-p", key, "-m", message, "-x", sealed)
    try:
        done = subprocess.run(command, capture_output=True, timeout=VERIFY_TIMEOUT_S, check=False)  # noqa: S603  # our own words
    except FileNotFoundError:
        raise UpgradeError("minisign is missing: install the package minisign") from None
    except subprocess.TimeoutExpired:
        raise UpgradeError("minisign does not come to an end") from None
    return done.returncode == 0
