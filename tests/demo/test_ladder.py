"""The drawing of who sent what to whom."""

from xml.etree import ElementTree

from device.demo.ladder import LadderMessage, LadderNote, draw_svg, draw_text

NAMES = ["phone 1001", "exchange", "phone 1002"]
ROWS = [
    LadderNote(0.0, "phone 1001", "calling"),
    LadderMessage(0.0014, "phone 1001", "exchange", "INVITE (SDP)"),
    LadderMessage(0.0153, "exchange", "phone 1001", "180 Ringing"),
    LadderMessage(1.25, "exchange", "phone 1002", "BYE"),
]


def test_the_text_shows_time_direction_and_label() -> None:
    lines = draw_text(NAMES, ROWS)
    assert [name for name in NAMES if name in lines[0]] == NAMES
    assert "(calling)" in lines[1]
    assert lines[2].startswith("      1 ms")
    assert "- INVITE (SDP) -" in lines[2]
    assert ">" in lines[2]
    assert "<" not in lines[2]
    assert "<" in lines[3]
    assert ">" not in lines[3]
    assert lines[4].startswith("   1250 ms")
    assert len(lines) == len(ROWS) + 1


def test_arrows_end_at_the_lifelines() -> None:
    lines = draw_text(NAMES, ROWS)
    columns = [index for index, character in enumerate(lines[1]) if character == "|"]
    middle = lines[3].index("|", columns[0] + 1)
    assert lines[3][columns[0] + 1] == "<"
    assert lines[2][middle - 1] == ">"


def test_a_label_that_is_too_long_is_cut() -> None:
    (_, line) = draw_text(NAMES, [LadderMessage(0.0, "phone 1001", "exchange", "x" * 500)])
    assert line.count("x") < 40
    assert line.rstrip().endswith("|")


def test_a_note_at_the_edge_is_cut() -> None:
    (_, line) = draw_text(NAMES, [LadderNote(0.0, "phone 1002", "y" * 500)])
    assert len(line) < 200


def test_the_picture_is_well_formed_and_holds_every_row() -> None:
    picture = ElementTree.fromstring(draw_svg("A call", NAMES, ROWS))
    texts = [element.text for element in picture.iter() if element.tag.endswith("text")]
    for words in ("A call", *NAMES, "calling", "INVITE (SDP)", "180 Ringing", "BYE", "1250 ms"):
        assert words in texts
    arrows = [element for element in picture.iter() if element.get("marker-end")]
    assert len(arrows) == 3
    first = arrows[0]
    assert float(first.get("x1", "")) < float(first.get("x2", ""))
    assert float(arrows[1].get("x1", "")) > float(arrows[1].get("x2", ""))


def test_what_a_message_holds_cannot_break_the_picture() -> None:
    evil = 'a<b>&"c"\0\x1b[31m\n'
    rows = [LadderMessage(0.0, "phone 1001", "exchange", evil), LadderNote(0.0, "exchange", evil)]
    picture = ElementTree.fromstring(draw_svg(evil, NAMES, rows))
    assert 'a<b>&"c"??[31m?' in [element.text for element in picture.iter()]
