"""The command line of `offhook exchange`: what it says, and what holds where it says nothing."""

import os
from collections.abc import Iterable, Mapping, Sequence

from device.daemon.logs import LOG_LEVELS
from device.daemon.options import UsageError, default_socket, default_store
from device.model import Aor
from device.net.addresses import is_unspecified, local_address_towards
from device.records import dataclass
from device.sip.hop import bracketed, ip_literal

DEFAULT_PORT, DEFAULT_TLS_PORT = 5060, 5061
HIGHEST_PORT = 65_535
STORE_NAME = "exchange.db"
SOCKET_NAME = "exchange.sock"

SYSTEM_STATE = "/var/lib/offhook-exchange"
SYSTEM_RUNTIME = "/run/offhook-exchange"
"""Where the systemd unit keeps store and socket; root means that service where nothing else is said."""

ANYWHERE = "192.0.2.1"
"""An address that the default route leads to (TEST-NET-1 of RFC 5737); nothing is ever sent there."""

USAGE = """\
usage: offhook exchange run [--listen ADDRESS:PORT] [--domain NAME] [--store FILE] [--socket PATH] [--log-level LEVEL]
                            [--tls-certificate FILE [--tls-key FILE] [--tls-port PORT]] [--tls-ca FILE]
       offhook exchange user add NAME    [--domain NAME] [--store FILE] [--socket PATH] [--password-stdin]
       offhook exchange user remove NAME [--domain NAME] [--store FILE] [--socket PATH]
       offhook exchange user list        [--store FILE] [--socket PATH]
       offhook exchange registrations [USER] | calls | watch           [--json | --csv]
       offhook exchange records [N] | accounting [registrations|calls] [N]  [--json | --csv]
       offhook exchange ban list | lift ADDRESS
       offhook exchange export --to kamailio|opensips|asterisk --output FOLDER
                            [--database postgresql|mysql|sqlite] [--database-url URL]
       offhook exchange trunk add NAME USER@HOST [NAME=VALUE ...] [--password-stdin]
       offhook exchange trunk set NAME NAME=VALUE ... | show NAME | remove NAME | list
       offhook exchange route add PREFIX TRUNK [strip=N] [prepend=DIGITS] [position=N] | remove PREFIX TRUNK | list
       offhook exchange permission set USER CLASSES | default USER | list
       offhook exchange number add PATTERN CLASS | remove PATTERN | show NUMBER | list
       offhook exchange numbering [NAME=VALUE ...]
       offhook exchange text list | drop USER
       offhook exchange alias add NAME TARGET | remove NAME | list
       offhook exchange group set NAME all|order MEMBER ... [ring=S] [bell=door] [otherwise=TARGET] | remove NAME | list
       offhook exchange forward set USER always|busy|no-answer TARGET [after=S] | remove USER [WHEN ...] | list
       offhook exchange redirect USER on|off
       offhook exchange setting [NAME=VALUE ...]
       offhook exchange domain set DOMAIN|* PROXY|redirect [redirect] | remove DOMAIN | list
       offhook exchange service on | set NAME=VALUE ... | list | calls
       offhook exchange voicemail list [USER] | delete MESSAGE | mark MESSAGE old|new | pin USER [none]
       offhook exchange page add NUMBER [members=USER,...] [multicast=ADDRESS:PORT] | remove NUMBER | list

A registrar and proxy for a handful of phones, with trunks to providers and other exchanges, and with services of its
own: voicemail, echo test, time, music, conferences, paging. `run` works in the foreground until SIGTERM or Ctrl-C.

  --listen            where phones reach it (default: every address, port 5060)
  --tls-certificate   take phones by TLS, too, showing this certificate (PEM); phones expect the domain's name in it
  --tls-key FILE      its private key where that is not in the same file
  --tls-port PORT     where phones reach it by TLS (default: 5061)
  --tls-ca FILE       authorities (PEM) whose certificates other servers may show, besides those that the system trusts
  --domain            the SIP domain of its users (default: that of the users it has, else the address of --listen, or
                      of this machine)
  --store FILE        the SQLite file with users and registrations
  --socket PATH       its control socket; `user` speaks to the exchange that runs there, if one does
  --log-level LEVEL   debug, info, warning or error
  --json, --csv       answer for programs: all lists, settings, registrations, calls, records and accounting
  --to, --database    where the users move to, and with what data base (default: postgresql); see docs/exchange.md
  --database-url URL  how the server over there reaches its data base
  --output FOLDER     a new folder for the files of `export`
  --password-stdin    take the password from standard input instead of asking for it

example: offhook exchange user add 1001 --domain pbx.lan
         offhook exchange run --listen 192.0.2.10:5060 --domain pbx.lan
         offhook exchange trunk add provider 4711@sip.example.com transport=tls
         offhook exchange route add 0 provider
         offhook exchange permission set 1001 local,national,international
         offhook exchange group set door all 1001 1002 bell=door
         offhook exchange forward set 1001 no-answer 1002 after=15
         offhook exchange service on
         offhook exchange records 1000 --csv
         offhook exchange export --to kamailio --output way-out
"""


FLAGS = ("--password-stdin", "--json", "--csv", "--help", "-h")
"""Options without a value."""


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """What the command line says; `domain` and `host` are empty where it does not.

    `store_named` is true where the store was named, rather than left to be the usual one.
    """

    words: tuple[str, ...]
    host: str
    port: int
    domain: str
    store: str
    store_named: bool
    socket: str
    log_level: str
    password_stdin: bool
    form: str
    """"text", or "json" or "csv" for programs."""
    to: str
    database: str
    database_url: str
    output: str
    help: bool
    tls_certificate: str
    tls_key: str
    tls_port: int
    tls_ca: str = ""


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> ExchangeOptions:
    """Read the arguments after `offhook exchange`; raises UsageError with the word that is wrong."""
    values = {
        "--listen": "",
        "--domain": "",
        "--store": os.path.join(_state_folder(environment), STORE_NAME),
        "--socket": os.path.join(_runtime_folder(environment), SOCKET_NAME),
        "--log-level": "info",
        "--to": "",
        "--database": "postgresql",
        "--database-url": "",
        "--output": "",
        "--tls-certificate": "",
        "--tls-key": "",
        "--tls-port": str(DEFAULT_TLS_PORT),
        "--tls-ca": "",
    }
    words: list[str] = []
    flags: set[str] = set()
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if word in FLAGS:
            flags.add(word)
        elif name in values:
            flags.add(name)
            values[name] = value if equals else next(rest, "")
            if not values[name]:
                raise UsageError(f"{name} needs a value; `offhook exchange --help` shows an example")
        elif name.startswith("-"):
            raise UsageError(f"{word} is no option; `offhook exchange --help` lists them")
        else:
            words.append(word)
    if values["--log-level"] not in LOG_LEVELS:
        raise UsageError(f"--log-level {values['--log-level']}: choose one of {', '.join(LOG_LEVELS)}")
    if values["--tls-key"] and not values["--tls-certificate"]:
        raise UsageError("--tls-key is of no use without --tls-certificate; name the certificate, too")
    host, port = _address(values["--listen"])
    return ExchangeOptions(
        tuple(words),
        host,
        port,
        values["--domain"].lower(),
        values["--store"],
        "--store" in flags,
        values["--socket"],
        values["--log-level"],
        "--password-stdin" in flags,
        "json" if "--json" in flags else "csv" if "--csv" in flags else "text",
        values["--to"],
        values["--database"],
        values["--database-url"],
        values["--output"],
        not flags.isdisjoint(("--help", "-h")),
        values["--tls-certificate"],
        values["--tls-key"],
        _port("--tls-port", values["--tls-port"]),
        values["--tls-ca"],
    )


def _port(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > HIGHEST_PORT:
        raise UsageError(f"{name} {text}: write a number from 0 to {HIGHEST_PORT}")
    return int(text)


def _state_folder(environment: Mapping[str, str]) -> str:
    if os.geteuid() == 0 and not environment.get("STATE_DIRECTORY"):
        return SYSTEM_STATE
    return os.path.dirname(default_store(environment))


def _runtime_folder(environment: Mapping[str, str]) -> str:
    said = environment.get("OFFHOOK_SOCKET") or environment.get("RUNTIME_DIRECTORY")
    if os.geteuid() == 0 and not said:
        return SYSTEM_RUNTIME
    return os.path.dirname(default_socket(environment))


def _address(text: str) -> tuple[str, int]:
    """Host and port of "address:port", "[v6]:port" or an address alone; raises UsageError."""
    if not text:
        return "", DEFAULT_PORT
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.endswith("]")):
        host, port = text, str(DEFAULT_PORT)
    address = ip_literal(host)
    if address is None or not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        raise UsageError(f"--listen {text}: write it as ADDRESS:PORT, such as 192.0.2.10:5060")
    return address, int(port)


def chosen_domain(options: ExchangeOptions, users: Iterable[Aor]) -> str:
    """The domain that is meant: the one that was said, the one that all users share, or our address."""
    domains = {aor.domain for aor in users}
    if options.domain:
        return options.domain
    if len(domains) == 1:
        return domains.pop()
    return bracketed(options.host if not is_unspecified(options.host) else local_address_towards(ANYWHERE))
