"""Every output of the board inactive, without a daemon. A file of its own, because it must be quick."""

import os
from argparse import Namespace

from device.cli_commands.command import EXIT_FAILED, EXIT_OK, Session
from device.daemon.options import default_store
from device.hardware.errors import HardwareError
from device.hardware.profile import BoardProfile
from device.hardware.safe_outputs import SafeOutputs, make_safe, outputs_of, outputs_path, recorded_outputs
from device.records import asdict


def make_outputs_safe(session: Session, given: Namespace) -> int:
    """Needs no daemon: the guard of a phone that has ended badly calls this."""
    outputs = _wanted_outputs(session, given)
    if outputs is None:
        return session.answer({"outputs": []}, "no phone has opened a board here yet: there is nothing to make safe")
    results = make_safe(outputs)
    if session.output.as_json:
        session.output.json({"outputs": [asdict(result) for result in results]})
    else:
        said = {"held": "held by a running phone, which answers for it", "failed": "FAILED"}
        rows = [(result.name, result.line, said.get(result.state, result.state)) for result in results]
        session.output.table(("output", "line", "state"), rows, "the board has no outputs")
    faults = [result.fault for result in results if result.fault]
    for fault in faults:
        session.output.complain(fault)
    return EXIT_FAILED if faults else EXIT_OK


def _wanted_outputs(session: Session, given: Namespace) -> SafeOutputs | None:
    """The profile's outputs; where it is broken, those of the last start: better these than none."""
    recorded = outputs_path(given.store or default_store(os.environ))
    if not given.profile:
        return recorded_outputs(recorded)
    try:
        return outputs_of(BoardProfile.load(given.profile))
    except HardwareError as error:
        outputs = recorded_outputs(recorded)
        if outputs is None:
            raise
        session.output.complain(f"{error}; the outputs of the last start are taken instead")
        return outputs
