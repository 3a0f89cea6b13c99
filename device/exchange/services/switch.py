"""Where the exchange sends calls of services: to the user agent of the services, which waits on this machine alone."""

from device.annotations import Final
from device.exchange.response_context import Target
from device.exchange.services.numbers import ServiceNumbers
from device.sip.hop import UDP, Hop, NextHop, bracketed
from device.sip.uri import Uri, parse_uri

SERVICES_USER: Final = "services"
"""User part of the address of that user agent."""
NUMBER_PARAM: Final = "service"
"""URI parameter with the number that was called: To still has whom the call was for before it was sent on."""


class ServiceSwitch:
    """What `Exchange.services` is: `numbers` may be replaced at any time."""

    def __init__(self, numbers: ServiceNumbers, host: str, port: int) -> None:
        """`host` and `port` are where the user agent of the services listens, by UDP."""
        self.numbers = numbers
        self._host = host
        self._port = port

    def target(self, number: str) -> Target | None:
        """Where calls of a number go that is one of a service, else None."""
        if self.numbers.find(number) is None:
            return None
        uri = parse_uri(f"sip:{SERVICES_USER}@{bracketed(self._host)}:{self._port};{NUMBER_PARAM}={number}")
        return Target(uri, NextHop(self._host, self._port, UDP))

    def music(self) -> Target | None:
        """Where calls go that are to hear music until somebody takes them; None without music."""
        return self.target(self.numbers.music)

    def open_to_strangers(self, number: str) -> bool:
        """Whether somebody who has not proven to be a user of ours may call that service."""
        return self.numbers.open_to_strangers(number)

    def is_source(self, source: Hop) -> bool:
        """Whether a request comes from the services themselves: nobody else can send from their port."""
        return (source.transport, source.host, source.port) == (UDP, self._host, self._port)


def called_number(request_uri: Uri) -> str:
    """The number of the service that a call has reached, "" where it says none."""
    return request_uri.param(NUMBER_PARAM) or ""
