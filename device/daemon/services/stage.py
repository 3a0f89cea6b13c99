"""Carries out what the acts order: as commands for the sound, as recordings, as calls."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING
from device.audio import hub_commands as hub
from device.daemon.services.prompts import BEEP_DB, BEEP_TONE
from device.errors import DeviceError
from device.exchange.services import orders

if TYPE_CHECKING:
    from device.audio.hub_thread import HubThread
    from device.daemon.call_sound import CallSound
    from device.daemon.services.concierge import Concierge, Visitor
    from device.daemon.services.page_calls import PageCalls
    from device.exchange.services.acts import Act
    from device.exchange.services.numbers import Service
    from device.exchange.services.orders import Draft, Order, Record
    from device.model import CallId
    from device.sip.user_agent import UserAgent


class ServiceCall:
    """One caller of a service."""

    __slots__ = ("act", "is_recorded", "number", "room", "service", "sound", "visitor")

    def __init__(self, sound: CallSound, act: Act, service: Service, visitor: Visitor) -> None:
        self.sound = sound
        self.act = act
        self.service = service
        self.visitor = visitor
        self.number = 0
        """Of the last order: reports about earlier ones are stale."""
        self.is_recorded = False
        """The last order was to record it."""
        self.room = ""


class Stage:
    """Where acts take place."""

    def __init__(self, user_agent: UserAgent, hub_thread: HubThread, concierge: Concierge, pages: PageCalls) -> None:
        self._user_agent = user_agent
        self._hub = hub_thread
        self._concierge = concierge
        self._pages = pages
        self._drafts: dict[str, Draft] = {}
        """What is being recorded, by its path, until it is on the disk: that may be after its call."""

    def carry_out(self, call_id: CallId, call: ServiceCall, order: Order, now: float) -> None:
        """Do what an act wants for its caller. Raises DeviceError where it cannot be done."""
        if isinstance(order, orders.Chime):
            self._hub.submit(hub.ChimeRoom(call.room, BEEP_TONE, BEEP_DB))
            return
        call.number += 1
        call.is_recorded = isinstance(order, orders.Record)
        match order:
            case orders.Say(parts):
                segments = self._concierge.prompts.segments(parts)
                self._hub.submit(hub.PlaySegments(call_id, call.number, segments))
            case orders.PlayMusic(path):
                self._hub.submit(hub.PlaySegments(call_id, call.number, (path,), loop=True))
            case orders.Echo():
                self._hub.submit(hub.EchoCall(call_id))
            case orders.Record():
                self._record(call_id, call, order)
            case orders.Join(room, muted):
                call.room = f"conference {room}"
                self._hub.submit(hub.EnterRoom(call_id, call.room, muted))
            case orders.Page(group):
                call.room = f"page of {call_id}"
                self._hub.submit(hub.EnterRoom(call_id, call.room, announced=False))
                self._pages.begin(call_id, call.room, call.visitor.user, call.visitor.name, group, now)
            case orders.HangUp():
                self._user_agent.hang_up(call_id, now)

    def _record(self, call_id: CallId, call: ServiceCall, order: Record) -> None:
        mailboxes, draft = self._concierge.mailboxes, order.draft
        try:
            recording = self._hub.new_recording(call_id, draft.path, mailboxes.reserve_bytes)
        except DeviceError:
            mailboxes.finish(draft, 0.0)
            raise
        self._drafts[draft.path] = draft
        self._hub.submit(hub.TapeCall(call_id, call.number, recording, order.longest_s, order.quiet_s))

    def recorded(self, path: str, seconds: float) -> None:
        """A recording is on the disk. Raises DeviceError where it cannot be kept."""
        if (draft := self._drafts.pop(path, None)) is not None:
            self._concierge.mailboxes.finish(draft, seconds)
