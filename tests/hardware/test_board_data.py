"""The data of the boards: complete, without contradictions, and true where other sources can be asked."""

import struct

import pytest

from device.hardware.board_data import (
    GROUND,
    PULLS,
    SUPPLIES,
    Identity,
    all_boards,
    board_names,
    board_of,
    detect_board,
    load_board,
    pin_table,
    read_identity,
    recognise,
)
from device.hardware.errors import HardwareError

BOARDS = all_boards()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.id)
class TestEveryBoard:
    def test_headers_are_complete(self, board):
        for header in board.headers:
            assert [pin.number for pin in header.pins] == list(range(1, len(header.pins) + 1))
            assert len(header.pins) % 2 == 0
            assert any(pin.supply == GROUND for pin in header.pins)

    def test_each_pin_is_a_supply_or_a_line_with_all_its_facts(self, board):
        for _, pin in board.pins():
            if pin.supply:
                assert pin.supply in SUPPLIES
                assert not pin.chip
            else:
                assert pin.name
                assert pin.chip
                assert pin.line != -1
                assert pin.pull in PULLS

    def test_no_line_is_at_two_pins(self, board):
        lines = [(pin.chip, pin.line) for _, pin in board.pins() if not pin.supply]
        assert len(lines) == len(set(lines))

    def test_it_says_where_the_facts_come_from(self, board):
        assert board.sources
        assert board.title
        assert board.models

    def test_it_is_recognised_by_each_of_its_models(self, board):
        for model in board.models:
            assert recognise(Identity(f"{model} Rev 9.9"), BOARDS) in (board, recognise(Identity(model), BOARDS))
            assert recognise(Identity(model.upper()), BOARDS) == board

    def test_pins_and_lines_are_found_from_each_other(self, board):
        for header, pin in board.pins():
            assert board.find_pin(header.pin_name(pin)) == (header, pin)
            if not pin.supply:
                assert board.find_line(pin.chip, pin.line) == (header, pin)


def rows_of(board):
    (header, *_) = load_board(board).headers
    return {pin.number: pin for pin in header.pins}


def test_the_40_pins_of_a_raspberry_pi():
    """Against the well-known row of BCM numbers, typed anew from the drawing in the documentation."""
    bcm = [2, 3, 4, 14, 15, 17, 18, 27, 22, 23, 24, 10, 9, 25, 11, 8, 7, 0, 1, 5, 6, 12, 13, 19, 16, 26, 20, 21]
    pins = [3, 5, 7, 8, 10, 11, 12, 13, 15, 16, 18, 19, 21, 22, 23, 24, 26, 27, 28, 29, 31, 32, 33, 35, 36, 37, 38, 40]
    for board in ("raspberry-pi-1-plus", "raspberry-pi-4", "raspberry-pi-5", "raspberry-pi-zero-2-w"):
        rows = rows_of(board)
        assert {number: pin.line for number, pin in rows.items() if not pin.supply} == dict(zip(pins, bcm, strict=True))
        assert [number for number, pin in rows.items() if pin.supply == GROUND] == [6, 9, 14, 20, 25, 30, 34, 39]
        assert {pin.line for pin in rows.values() if pin.pull == "up"} == set(range(9))


def test_the_first_raspberry_pi_differs_in_three_pins():
    first, later = rows_of("raspberry-pi-1-rev1"), rows_of("raspberry-pi-1")
    assert {number for number in first if first[number].line != later[number].line} == {3, 5, 13}


def test_functions_of_one_board_come_on_top_of_those_of_the_header():
    assert rows_of("raspberry-pi-4")[7].functions == ("GPCLK0", "UART3 TXD", "I2C3 SDA")
    assert rows_of("raspberry-pi-3")[7].functions == ("GPCLK0",)


def test_ports_of_allwinner_are_numbered_by_letter_and_pin():
    for board in ("orange-pi-pc", "orange-pi-zero", "nanopi-neo", "nanopi-m1", "orange-pi-zero-3", "orange-pi-zero-2w"):
        for _, pin in load_board(board).pins():
            if not pin.supply:
                assert pin.line == 32 * (ord(pin.name[1]) - ord("A")) + int(pin.name[2:])


class TestRecognising:
    @pytest.mark.parametrize(
        ("model", "board"),
        [
            ("Raspberry Pi Model B Rev 1", "raspberry-pi-1-rev1"),
            ("Raspberry Pi Model B Rev 2", "raspberry-pi-1"),
            ("Raspberry Pi Model A Plus Rev 1.1", "raspberry-pi-1-plus"),
            ("Raspberry Pi 2 Model B Rev 1.1", "raspberry-pi-2"),
            ("Raspberry Pi 3 Model B Plus Rev 1.3", "raspberry-pi-3"),
            ("Raspberry Pi 400 Rev 1.0", "raspberry-pi-4"),
            ("Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5"),
            ("Raspberry Pi Zero Rev 1.3", "raspberry-pi-zero"),
            ("Raspberry Pi Zero W Rev 1.1", "raspberry-pi-zero-w"),
            ("Raspberry Pi Zero 2 W Rev 1.0", "raspberry-pi-zero-2-w"),
            ("TI AM335x BeagleBone Black Wireless", "beaglebone-black"),
            ("Xunlong Orange Pi Zero", "orange-pi-zero"),
            ("Xunlong Orange Pi PC Plus", "orange-pi-pc"),
            ("OrangePi Zero3", "orange-pi-zero-3"),
            ("FriendlyARM NanoPi NEO 2", "nanopi-neo"),
            ("FriendlyArm NanoPi M1 Plus", "nanopi-m1"),
        ],
    )
    def test_by_its_model(self, model, board):
        assert recognise(Identity(model), BOARDS).id == board

    @pytest.mark.parametrize(
        ("code", "board"),
        [
            (0x0002, "raspberry-pi-1-rev1"),
            (0x1000003, "raspberry-pi-1-rev1"),
            (0x000E, "raspberry-pi-1"),
            (0x0010, "raspberry-pi-1-plus"),
            (0x900021, "raspberry-pi-1-plus"),
            (0xA01041, "raspberry-pi-2"),
            (0xA02082, "raspberry-pi-3"),
            (0xA020D3, "raspberry-pi-3"),
            (0xC03111, "raspberry-pi-4"),
            (0xC04170, "raspberry-pi-5"),
            (0x900093, "raspberry-pi-zero"),
            (0x9000C1, "raspberry-pi-zero-w"),
            (0x902120, "raspberry-pi-zero-2-w"),
        ],
    )
    def test_by_its_revision_code_whatever_the_model_says(self, code, board):
        assert recognise(Identity("Raspberry Pi", code), BOARDS).id == board

    def test_from_a_device_tree(self, tmp_path):
        (tmp_path / "model").write_bytes(b"Raspberry Pi 3 Model B\0")
        (tmp_path / "system").mkdir()
        (tmp_path / "system" / "linux,revision").write_bytes(struct.pack(">I", 0xA02082))
        assert read_identity(str(tmp_path)) == Identity("Raspberry Pi 3 Model B", 0xA02082)
        assert detect_board(str(tmp_path)).id == "raspberry-pi-3"
        assert board_of("auto", str(tmp_path)).id == "raspberry-pi-3"

    def test_a_machine_that_nobody_knows(self, tmp_path):
        assert recognise(Identity("Toaster"), BOARDS) is None
        assert recognise(Identity(), BOARDS) is None
        with pytest.raises(HardwareError, match=r"no model name .*hardware\.board=handset@raspberry-pi-3"):
            detect_board(str(tmp_path))
        (tmp_path / "model").write_bytes(b"Toaster")
        with pytest.raises(HardwareError, match="the model 'Toaster' is none of the boards"):
            detect_board(str(tmp_path))
        assert "Toaster" in str(pin_table("auto", str(tmp_path))["fault"])


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(HardwareError, match=r"did you mean .*raspberry-pi-4"):
        load_board("rapsberry-pi-4")


def test_the_boards_that_offhook_promises():
    assert set(board_names()) >= {
        *(
            f"raspberry-pi-{model}"
            for model in ("1-rev1", "1", "1-plus", "2", "3", "4", "5", "zero", "zero-w", "zero-2-w")
        ),
        "beaglebone-black",
        "nanopi-neo",
        *(f"orange-pi-{model}" for model in ("zero", "zero-2w", "zero-3", "pc", "one", "3-lts", "5")),
    }
