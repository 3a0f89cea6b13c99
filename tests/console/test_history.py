from device.console.history import LINES_KEPT, History


def history(*lines: str) -> History:
    made = History()
    for line in lines:
        made.add(line)
    return made


def test_back_and_forth_and_the_line_being_typed_is_not_lost() -> None:
    made = history("one", "two")
    assert made.step(-1, "half") == "two"
    assert made.step(-1, "two") == "one"
    assert made.step(-1, "one") is None
    assert made.step(1, "one") == "two"
    assert made.step(1, "two") == "half"
    assert made.step(1, "half") is None


def test_blank_lines_and_repetitions_are_not_remembered() -> None:
    assert history("one", "", "  ", "one", "two", "one").lines == ["one", "two", "one"]


def test_only_so_many_are_kept() -> None:
    made = history(*(str(number) for number in range(LINES_KEPT + 5)))
    assert len(made.lines) == LINES_KEPT
    assert made.lines[0] == "5"


def test_the_newest_line_is_found_first_and_older_ones_after_it() -> None:
    made = history("show status", "exit", "show log")
    place = made.find("show")
    assert place == 2
    assert made.find("show", place) == 0
    assert made.find("show", 0) is None
    assert made.find("nothing") is None
    assert made.go_to(0, "half") == "show status"
    assert made.step(1, "show status") == "exit"
