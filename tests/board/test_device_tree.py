"""The board's device tree says what a Raspberry Pi's says."""

from tests.board.device_tree import LINE_NAMES, LINES, overlay, without_seeds


def test_there_is_a_name_for_every_line_of_the_chip() -> None:
    assert len(LINE_NAMES) == LINES == 54
    assert len(set(LINE_NAMES)) == LINES
    assert (LINE_NAMES[17], LINE_NAMES[27], LINE_NAMES[14]) == ("GPIO17", "GPIO27", "TXD0")


def test_the_overlay_holds_model_revision_and_serial_number() -> None:
    text = overlay(serial=0x1_0000_00FF, seed=(1, 0xFF))
    assert "rng-seed = <0x1 0xff>;" in text
    assert 'model = "Raspberry Pi 3 Model B Rev 1.2";' in text
    assert "linux,revision = <0xa02082>;" in text
    assert "linux,serial = <0x1 0xff>;" in text
    assert 'gpio-sim,label = "pinctrl-bcm2835";' in text
    assert "/delete-node/ pl061@9030000;" in text


def test_random_numbers_are_left_to_the_machine() -> None:
    source = 'chosen {\n\t\trng-seed = <0x1 0x2>;\n\t\tkaslr-seed = <0x3 0x4>;\n\t\tstdout-path = "/pl011";\n};\n'
    assert without_seeds(source) == 'chosen {\n\t\tstdout-path = "/pl011";\n};\n'
