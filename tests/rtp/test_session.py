"""One session between two: numbering, counts, and what each learns from the other's reports."""

from device.rtp.packet import RtpPacket, parse_rtp
from device.rtp.rtcp import Bye, ReceiverReport, SenderReport, SourceDescription, parse_rtcp
from device.rtp.session import RtpSession


def session(ssrc: int = 1, sequence: int = 65534) -> RtpSession:
    return RtpSession(ssrc, sequence, 2**32 - 160, f"cname{ssrc}", 8000, lambda bits: 1 << (bits - 1))


def send(sender: RtpSession, now: float) -> RtpPacket:
    data = sender.packet(0, bytes(160), False, sender.timestamp, now)
    sender.advance(160)
    return parse_rtp(data)


def test_numbers_wrap() -> None:
    sender = session()
    packets = [send(sender, 0.0) for _ in range(4)]
    assert [packet.sequence for packet in packets] == [65534, 65535, 0, 1]
    assert [packet.timestamp for packet in packets] == [2**32 - 160, 0, 160, 320]
    assert (sender.packets_sent, sender.octets_sent) == (4, 640)


def test_two_learn_about_each_other() -> None:
    left, right = session(1, 5), session(2, 500)
    for n in range(500):
        now = 0.02 * n
        packet = send(left, now)
        if n % 10:
            right.receive(packet, now + 0.030, timed=True)
        left.receive(send(right, now), now + 0.030, timed=True)
        for source, target in ((left, right), (right, left)):
            data = source.report_due(now)
            if data:
                target.receive_reports(parse_rtcp(data), len(data), now + 0.030)
    assert right.packets_received == 450
    assert right.packets_lost in (49, 50)
    assert left.remote_report is not None
    assert 20 <= left.remote_report.cumulative_lost <= 50
    assert 20 <= left.remote_report.fraction_lost <= 30
    for one in (left, right):
        assert one.round_trip_s is not None
        assert abs(one.round_trip_s - 0.060) < 0.001


def test_a_sender_report_says_what_was_sent_and_when() -> None:
    sender = session(1, 5)
    assert sender.report_due(100.0) is None
    for n in range(10):
        send(sender, 100.0 + 0.02 * n)
    data = sender.report_due(104.0)
    assert data is not None
    report, description = parse_rtcp(data)
    assert isinstance(report, SenderReport)
    assert (report.packets, report.octets) == (10, 1600)
    assert report.ntp_time == 104 << 32
    assert report.rtp_timestamp == (9 * 160 + int((104.0 - 100.18) * 8000)) % 2**32
    assert description == SourceDescription(((1, ((1, "cname1"),)),))


def test_who_sends_nothing_writes_receiver_reports() -> None:
    listener, sender = session(1), session(2)
    listener.report_due(0.0)
    for n in range(3):
        listener.receive(send(sender, 0.0), 0.02 * n, timed=True)
    data = listener.report_due(5.0)
    assert data is not None
    report = parse_rtcp(data)[0]
    assert isinstance(report, ReceiverReport)
    assert [block.ssrc for block in report.blocks] == [2]


def test_who_stops_sending_is_a_sender_for_one_report_more() -> None:
    quiet = session(1)
    quiet.report_due(0.0)
    send(quiet, 0.0)
    kinds = []
    for now in range(5, 60):
        data = quiet.report_due(float(now))
        if data:
            kinds.append(type(parse_rtcp(data)[0]))
    assert kinds[:3] == [SenderReport, SenderReport, ReceiverReport]


def test_a_new_source_begins_new_counts_and_keeps_the_old_ones() -> None:
    receiver, first, second = session(1), session(2, 10), session(3, 7000)
    assert receiver.receive(send(first, 0.0), 0.0, timed=True)
    send(first, 0.0)
    for _ in range(3):
        assert not receiver.receive(send(first, 0.0), 0.0, timed=True)
    for n in range(4):
        assert receiver.receive(send(second, 0.0), 0.0, timed=True) == (n == 0)
    assert receiver.packets_received == 3 + 4
    assert receiver.reception is not None
    assert receiver.reception.ssrc == 3


def test_our_own_identifier_from_the_other_side_is_given_up_once() -> None:
    receiver, other = session(1), session(1, 10)
    receiver.receive(send(other, 0.0), 0.0, timed=True)
    assert receiver.ssrc == 1 << 31
    mirrored = session(1 << 31, 50)
    receiver.receive(send(mirrored, 0.0), 0.0, timed=True)
    assert receiver.ssrc == 1 << 31


def test_reports_about_others_and_nonsense_change_nothing() -> None:
    one, other = session(1), session(2)
    send(one, 0.0)
    one.receive_reports([ReceiverReport(9), SenderReport(8, 1, 2, 3, 4)], 60, 1.0)
    assert (one.remote_report, one.round_trip_s, one.jitter_s) == (None, None, 0.0)
    other.receive(send(one, 0.0), 0.0, timed=True)
    other.receive(send(one, 0.0), 0.0, timed=True)
    data = one.bye(0.5)
    other.receive_reports(parse_rtcp(data), len(data), 0.5)
    about_one = other.bye(0.6)
    one.receive_reports(parse_rtcp(about_one), len(about_one), 500.0)
    assert one.remote_report is not None
    assert one.round_trip_s is None, "eight minutes of round trip are a wrong report"


def test_goodbye() -> None:
    one, other = session(1), session(2)
    other.receive(send(one, 0.0), 0.0, timed=True)
    data = one.bye(1.0, "call ended")
    assert parse_rtcp(data)[-1] == Bye((1,), "call ended")
    assert not other.left_by_peer
    other.receive_reports(parse_rtcp(data), len(data), 1.0)
    assert other.left_by_peer
