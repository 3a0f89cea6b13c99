"""Taking an upgrade: what has to be right before, writing the other slot, and putting it on trial."""

import os
from collections.abc import Callable

from device.annotations import BinaryIO
from device.records import dataclass, replace
from device.store.database import newest_schema
from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import KEYS_FOLDER, ImageSystem
from device.upgrade.manifest import Manifest, parse_manifest, version_key
from device.upgrade.partition_writer import write_part
from device.upgrade.records_file import PendingUpgrade, UpgradeRecords
from device.upgrade.signature import verify_signature
from device.upgrade.slot_state import EMPTY, GOOD, TRIAL, TRIES, SlotStateFile
from device.upgrade.store_guard import check_room, forget_store
from device.upgrade.upgrade_file import UpgradeFile


@dataclass(frozen=True, slots=True)
class Progress:
    """So many bytes of all are on the disk; `part` is being written."""

    part: str
    done: int
    whole: int


class Installation:
    """One upgrade from `stream`, for the running image `system`. Nothing is written before `write`."""

    def __init__(self, system: ImageSystem, stream: BinaryIO, name: str) -> None:
        self._system = system
        self._file = UpgradeFile(stream, name)
        self._state_file = SlotStateFile(system.state_path)
        self.signed_by = ""
        manifest, signature = self._file.read_manifest()
        self.signed_by = verify_signature(manifest, signature, system.path(KEYS_FOLDER))
        self.manifest: Manifest = parse_manifest(manifest)

    def check(self, allow_downgrade: bool = False) -> None:
        """Whether this upgrade may be written to this machine. Raises UpgradeError."""
        system, manifest = self._system, self.manifest
        if manifest.board != system.board:
            raise UpgradeError(f"the upgrade is for the board {manifest.board}, this is {system.board}: take its file")
        if not allow_downgrade and version_key(manifest.version) < version_key(system.version):
            raise UpgradeError(
                f"version {manifest.version} is older than {system.version}, which runs: "
                "--allow-downgrade takes it all the same"
            )
        state = self._state_file.read()
        if state.kind(system.slot) != GOOD:
            raise UpgradeError(
                f"the running version {system.version} has not proven itself yet: wait until it has registered "
                "(`offhook upgrade status` tells), so that there is something to go back to"
            )
        check_room(system)
        for part in manifest.parts:
            partition = system.partition(part.name, system.target_slot)
            if os.path.realpath(partition) == os.path.realpath(system.partition(part.name, system.slot)):
                raise UpgradeError(f"both slots name {partition}: start the board anew")

    def write(self, registered: list[str], progress: Callable[[Progress], None]) -> None:
        """Write the other slot, verify it, and put it on trial for the next start.

        A power cut or an error before the end leaves the running version as it is, and the other slot empty.
        """
        system, target = self._system, self._system.target_slot
        state = self._state_file.read()
        self._state_file.write(replace(state.with_kind(target, EMPTY), slot=system.slot, tries=0))
        done = 0
        for part in self.manifest.parts:

            def tell(written: int, part_name: str = part.name, before: int = done) -> None:
                progress(Progress(part_name, before + written, self.manifest.size))

            write_part(system.partition(part.name, target), part, self._file.read_part(part), tell)
            done += part.size
        records = UpgradeRecords(system)
        # It was for the version that this upgrade takes the place of.
        forget_store(records)
        records.forget_given_up(target)
        pending = PendingUpgrade(target, system.version, self.manifest.version, registered, old_schema=newest_schema())
        records.begin(pending)
        state = self._state_file.read()
        self._state_file.write(replace(state.with_kind(target, TRIAL), slot=target, tries=TRIES))
