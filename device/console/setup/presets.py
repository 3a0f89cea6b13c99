"""What differs from server to server, so that an installer need not know it. Data, no behaviour.

Sources: Asterisk: configs/samples/pjsip.conf.sample (the identity of an endpoint is its user name). FreePBX: module
featurecodeadmin (*43 echo test). FRITZ!Box: AVM's help "Telephony Devices", IP telephone (registrar fritz.box, the
user name and password given there, reachable inside the network only). Kamailio, OpenSIPS: their modules registrar,
nathelper and outbound. FreeSWITCH: conf/vanilla (internal profile, dialplan extension 9196 echo). 3CX: admin guide,
extensions (authentication ID apart from the extension, *777 echo test). sipgate: help "SIP settings" (SIP-ID as user
name, registrar sipgate.de, test call 10000).
"""

from device.annotations import Any
from device.records import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerPreset:
    """One kind of server. `domain` is what the question for the server begins with."""

    title: str
    domain: str = ""
    user_help: str = "the extension or user name, such as 1001"
    auth_user_help: str = ""
    """What is asked for as authentication name; empty where it is the user name."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of the account that are set without a question."""
    echo: str = ""
    """A number that sends back what it hears."""
    hint: str = ""
    """What an installer does wrong most often."""


PRESETS: dict[str, ServerPreset] = {
    "any": ServerPreset("any other SIP server"),
    "offhook": ServerPreset("offhook's own exchange", fields={"expires_s": 600}),
    "asterisk": ServerPreset(
        "Asterisk or FreePBX",
        fields={"mwi": True},
        echo="*43",
        hint="FreePBX: take the secret of the extension (chan_pjsip), not the password of the web page",
    ),
    "fritzbox": ServerPreset(
        "FRITZ!Box",
        domain="fritz.box",
        user_help="the user name that you gave the IP telephone in the FRITZ!Box (8 characters or more)",
        fields={"expires_s": 300, "outbound": False},
        hint="the FRITZ!Box takes IP telephones from its own network only; internal calls are **620 and the like",
    ),
    "kamailio": ServerPreset(
        "Kamailio or OpenSIPS",
        fields={"outbound": True},
        hint="the domain must be one that the server answers for (its domain table or alias)",
    ),
    "freeswitch": ServerPreset(
        "FreeSWITCH", fields={"mwi": True}, echo="9196", hint="the domain of the user in FreeSWITCH's directory counts"
    ),
    "3cx": ServerPreset(
        "3CX",
        auth_user_help="the authentication ID of the extension, which is not its number",
        fields={"expires_s": 120},
        echo="*777",
        hint="3CX: the option that allows phones outside the 3CX app must be on for the extension",
    ),
    "sipgate": ServerPreset(
        "sipgate",
        domain="sipgate.de",
        user_help="the SIP-ID, such as 1234567e0",
        fields={"expires_s": 600},
        echo="10000",
        hint="SIP-ID and SIP password are not those of the web login",
    ),
    "provider": ServerPreset("another provider on the internet", user_help="the SIP user name that the provider gave"),
}
"""By the word that is typed."""
