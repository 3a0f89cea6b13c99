"""What is handed to the virtual board from outside fits through QEMU's door."""

from tests.board.virtual_board import AGENT_PORT, AGENT_RULE, AGENT_UNIT, CREDENTIALS, PROVISION, UNIT_NAME

LONGEST_NAME = 55
"""hw/nvram/fw_cfg.c of QEMU: FW_CFG_MAX_FILE_PATH without its zero."""


def test_names_of_files_are_not_too_long_for_the_machine() -> None:
    for name in (f"{CREDENTIALS}/systemd.extra-unit.{UNIT_NAME}", f"{CREDENTIALS}/udev.rules.agent", PROVISION):
        assert len(name) <= LONGEST_NAME


def test_the_rule_starts_the_unit_for_the_agents_port_alone() -> None:
    assert f'ATTR{{name}}=="{AGENT_PORT}"' in AGENT_RULE
    assert UNIT_NAME in AGENT_RULE
    assert AGENT_RULE.count("\n") == 1


def test_the_agent_does_not_wait_for_what_it_watches() -> None:
    assert "DefaultDependencies=no" in AGENT_UNIT
    assert "offhook.service" not in AGENT_UNIT
