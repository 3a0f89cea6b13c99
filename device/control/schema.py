"""What can be asked over the control socket: methods, their parameters and answers, and the topics of events."""

from collections.abc import Mapping

from device.records import dataclass


@dataclass(frozen=True, slots=True)
class Param:
    """One named parameter; `kind` is text, number (whole), flag, texts (list of text), map (text by text)
    or tables (values by name, by name)."""

    name: str
    kind: str
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """One method: what it does, what it takes, what it answers, and an example of its params."""

    name: str
    help: str
    params: tuple[Param, ...] = ()
    result: str = "{}"
    example: str = "{}"


def _needs(name: str, kind: str, help_text: str) -> Param:
    return Param(name, kind, help_text, required=True)


_CALL = Param("call", "text", 'id of the call, such as "c7"; the only one, or the one that rings, when left out')
_LIMIT = Param("limit", "number", "at most so many, newest first; 50 when left out")
_CANDIDATE = (
    Param("settings", "map", "text by section.field, or null for the default"),
    Param("accounts", "tables", "by account: its fields that change, or null to remove it"),
    Param("from", "number", "a commit: what it held, with these changes on top"),
)
_SECONDS = Param("seconds", "number", "1 to 60; 5 when left out")
_ACCOUNT_ID = _needs("id", "text", 'name of the account, such as "office"')
_ACCOUNT_FIELDS = (
    Param("display_name", "text", "name shown to those who are called"),
    Param("password", "text", "kept in clear text only until the server has named its realm"),
    Param("realm", "text", "digest realm of the server where it is known: the password is then never stored"),
    Param("registrar", "text", "host or host:port of the registrar where it is not the domain"),
    Param("outbound_proxy", "text", "host or host:port that every request goes to first"),
    Param("proxy_mode", "text", "route: the outbound proxy comes first; always: requests in dialogs go to it, too"),
    Param("transport", "text", "udp, tcp, tls, or auto for what the domain's DNS prefers"),
    Param("auth_user", "text", "user name for digest where it is not the user"),
    Param("expires_s", "number", "registration lifetime that is asked for, in seconds"),
    Param("register", "flag", "false for calls straight by IP address"),
    Param("enabled", "flag", "false to keep the account without using it"),
    Param("keepalive", "text", "what keeps the way to the server open: auto, crlf, options, stun or off"),
    Param("keepalive_s", "number", "seconds between keep-alives; 0 for what suits the transport"),
    Param("outbound", "flag", "false not to offer RFC 5626 (calls over the connection that is kept open)"),
    Param("privacy", "text", "empty, id to withhold the number from those called, or full for an anonymous From, too"),
    Param("mwi", "flag", "true to be told of waiting messages (RFC 3842)"),
    Param("dtmf", "text", "how digits are sent: auto, rtp, info-relay, info or inband; empty for what media.dtmf says"),
    Param("codecs", "text", "codecs offered and accepted, best first, by commas; empty for what media.codecs says"),
)
_ACCOUNT = (
    "id, user, domain, display_name, registrar, outbound_proxy, transport, auth_user, expires_s, register, enabled, "
    "proxy_mode, keepalive, keepalive_s, outbound, privacy, mwi, dtmf, codecs, "
    'password ("none", "pending" or "sealed"), realm, state, status, text, server (where it is registered), '
    "registered_for_s, next_attempt_s"
)
_CALL_FIELDS = (
    "call, direction (in, out), remote, remote_name, account, state, seconds, recording (path), "
    "subject, priority, diverted_by: [text]"
)

_METHODS = (
    Method(
        "status",
        "How the phone is: its state, accounts and calls.",
        result="{version, pid, port, tls_port (0 where nobody can call by TLS), uptime_s, instance, phone (state), "
        "board, audio, notices: [text], accounts: [...], calls: [...], "
        "waiting_messages: {account: {waiting, new, old}}}",
    ),
    Method(
        "call.place",
        "Call somebody.",
        (
            _needs("target", "text", "a number, a phone book name or code, or a SIP address"),
            Param("account", "text", "name of the account to call with; the first that is registered when left out"),
            Param("anonymous", "flag", "true to withhold who calls (RFC 3323)"),
        ),
        "{call}",
        '{"target": "1002"}',
    ),
    Method("call.answer", "Answer the call that rings.", (_CALL,), "{call}"),
    Method("call.hangup", "End a call, refuse the one that rings, or give up the one being made.", (_CALL,), "{call}"),
    Method("call.hold", "Put the call on hold; another can then be placed beside it.", (_CALL,), "{call}"),
    Method("call.resume", "Take the call off hold.", (_CALL,), "{call}"),
    Method("call.conference", "Make one talk of three out of the call and the one that waits.", (_CALL,), "{call}"),
    Method(
        "call.transfer",
        "Send the far end to somebody else, or without a target to the far end of the call that waits. How it came out "
        "follows in the topic call.",
        (Param("target", "text", "a number, a phone book name or code, or a SIP address"), _CALL),
        "{call}",
        '{"target": "1003"}',
    ),
    Method("call.list", "The calls that there are.", (), f"{{calls: [{{{_CALL_FIELDS}}}]}}"),
    Method(
        "call.digits",
        "Send DTMF digits in the current call.",
        (_needs("digits", "text", "0-9, *, #, A-D"), _CALL),
        "{}",
        '{"digits": "123#"}',
    ),
    Method(
        "call.record",
        "Record the current call to a WAV file, the far end left, this side right. Its end is told in the topic audio.",
        (
            Param("path", "text", "a name for the folder of recordings, or a whole path; named by time when left out"),
            _CALL,
        ),
        "{call, path}",
    ),
    Method("call.record_stop", "End the recording of the current call.", (_CALL,), "{call}"),
    Method(
        "call.play",
        "Let both sides of the current call hear a WAV file, once. Its end is told in the topic audio.",
        (_needs("path", "text", "the whole path of a WAV file of 16 bit"), _CALL),
        "{call, path}",
        '{"path": "/var/lib/offhook/announcement.wav"}',
    ),
    Method("call.play_stop", "End the file that plays in the current call.", (_CALL,), "{call}"),
    Method("account.list", "All accounts, without secrets.", (), f"{{accounts: [{{{_ACCOUNT}}}]}}"),
    Method("account.show", "One account, without its secret.", (_ACCOUNT_ID,), f"{{{_ACCOUNT}}}", '{"id": "office"}'),
    Method(
        "account.add",
        "Add an account and register it.",
        (
            _ACCOUNT_ID,
            _needs("user", "text", "user part of the address of record"),
            _needs("domain", "text", "domain of the address of record, or the server's address"),
            *_ACCOUNT_FIELDS,
        ),
        f"{{{_ACCOUNT}}}",
        '{"id": "office", "user": "1001", "domain": "pbx.example.com", "password": "..."}',
    ),
    Method(
        "account.update",
        "Change what is given of an account and register it anew; the rest stays.",
        (
            _ACCOUNT_ID,
            Param("user", "text", "user part of the address of record"),
            Param("domain", "text", "domain of the address of record"),
            *_ACCOUNT_FIELDS,
        ),
        f"{{{_ACCOUNT}}}",
        '{"id": "office", "expires_s": 300}',
    ),
    Method("account.remove", "Unregister an account and forget it.", (_ACCOUNT_ID,), "{}", '{"id": "office"}'),
    Method("settings.list", "Every setting.", (), "{settings: [{key, value, default, kind, help}]}"),
    Method(
        "settings.get",
        "One setting.",
        (_needs("key", "text", "section.field"),),
        "{key, value, default, kind, help}",
        '{"key": "media.tones"}',
    ),
    Method(
        "settings.set",
        "Change settings: all of them or, when one is wrong, none. null brings a default back.",
        (_needs("values", "map", "text by section.field, or null"),),
        "{changed: [key], restart: [key that counts only after a restart]}",
        '{"values": {"media.tones": "uk"}}',
    ),
    Method(
        "config.changes",
        "What a commit would change, and what would keep it from being made; nothing is changed.",
        _CANDIDATE,
        "{changes: [{key, before, after}], faults: [text]}",
        '{"settings": {"phone.hotline": "1002"}}',
    ),
    Method(
        "config.commit",
        "Change settings and accounts, all of it or nothing, and remember how it was.",
        (
            *_CANDIDATE,
            Param("author", "text", "who"),
            Param("comment", "text", "why"),
            Param("since", "number", "the newest commit that the author knows; 0 or left out overwrites the others'"),
            Param("confirm_s", "number", "taken back after so many seconds, or by a restart, unless it is confirmed"),
        ),
        "{number (0: nothing to change), changed: [key], restart: [key], registering: [account]}",
        '{"settings": {"phone.hotline": "1002"}, "accounts": {"office": {"expires_s": 300}}, "comment": "hotline"}',
    ),
    Method(
        "config.confirm",
        "Keep the last commit for good.",
        (Param("author", "text", "who"),),
        "{number (0: none waits)}",
    ),
    Method(
        "config.history",
        "The last 20 commits, newest first; the first of all is what held before.",
        (),
        "{commits: [{number, at (Unix time), author, comment}], unconfirmed (number or null), confirm_within_s}",
    ),
    Method(
        "upgrade.start",
        "Ask for what would stand after `offhook upgrade`, on an image: a file or an address, or status, back, "
        "restart, repair. Whoever asks has agreed.",
        (_needs("words", "texts", "a file below /media or /mnt, an http or https address, or a verb; then options"),),
        "{id}",
        '{"words": ["/media/usb/offhook-rpi3-0.2.0.upgrade", "--force"]}',
    ),
    Method(
        "upgrade.progress",
        "What has been said to the last request, how much is written, and how it ended.",
        (),
        "{running, status (0: well), percent (-1: nothing is written), lines: [text]}",
    ),
    Method(
        "console.access",
        "What a technician's console must know before it lets somebody in.",
        (Param("line", "text", "its line, such as ttyAMA0"),),
        "{open (no password is asked for), idle_log_out_s, verifiers: {role: scrypt:N:r:p:salt}, failures, wait_s}",
        '{"line": "ttyAMA0"}',
    ),
    Method(
        "console.login",
        "Whether a key, made by scrypt of a password, is the one of a role. After wrong ones there is a wait.",
        (
            _needs("role", "text", "admin or monitor"),
            _needs("key", "text", "32 bytes in hex"),
            Param("line", "text", "where"),
        ),
        "{role}",
        '{"role": "admin", "key": "00"}',
    ),
    Method(
        "console.password",
        "Set the password of a console's role.",
        (
            _needs("role", "text", "admin or monitor"),
            _needs("verifier", "text", "scrypt:N:r:p:salt:key with salt and key in hex, or empty: nobody comes in"),
        ),
        "{role}",
        '{"role": "monitor", "verifier": ""}',
    ),
    Method(
        "test.ring",
        "Let the bell ring for a while. A call ends this at once, as it does test.tone.",
        (Param("name", "text", "ring pattern, such as uk; the board's own when left out"), _SECONDS),
        "{seconds}",
        '{"name": "uk", "seconds": 2}',
    ),
    Method(
        "test.tone",
        "Play a tone to the ear for a while.",
        (Param("name", "text", "dial, busy, ringback, reorder, howler ...; dial when left out"), _SECONDS),
        "{seconds}",
        '{"name": "busy", "seconds": 2}',
    ),
    Method(
        "test.lamp",
        "Light a lamp for a while; then it shows again what the phone wants.",
        (
            _needs("name", "text", "one of the lamps of board.show"),
            Param("mode", "text", "on, off, slow-blink, fast-blink ...; on when left out"),
            _SECONDS,
        ),
        "{seconds}",
        '{"name": "registered", "mode": "fast-blink"}',
    ),
    Method(
        "test.relay",
        "Pull a relay for a moment; what hangs on it, such as a door opener, does its work.",
        (
            _needs("name", "text", "one of the relays of board.show"),
            Param("seconds", "number", "1 to 10; 1 if left out"),
        ),
        "{seconds}",
        '{"name": "door", "seconds": 1}',
    ),
    Method(
        "test.mic",
        "Tell in the topic meter how loud the microphone is.",
        (Param("loop_back", "flag", "whether what is said is heard a second later"), _SECONDS),
        "{seconds}",
        '{"loop_back": true, "seconds": 10}',
    ),
    Method(
        "test.dns",
        "Look up afresh what the registration of accounts, or a SIP address, needs of DNS. "
        "Steps and outcome follow in the topic dns, target by target.",
        (Param("name", "text", "account, host or SIP address; every account that registers when left out"),),
        "{test (its number), targets: [{name, account (whether it is one), host, port (0: DNS tells), "
        "transport (empty: DNS tells), address (whether DNS is not needed)}], "
        "servers: [address of a name server], told_by (settings, system)}",
        '{"name": "sip:192.0.2.7"}',
    ),
    Method("test.stop", "End bell, tone and lamps that are being tested.", (), "{stopped: [kind]}"),
    Method(
        "setup.choices",
        "The boards and board profiles that there are, and the board that this machine is.",
        (),
        "{model, board, boards: [{name, title}], profiles: [{name, title, by_pins}]}",
    ),
    Method(
        "setup.cards",
        "The sound cards by name.",
        (),
        "{cards: [{name, title, device, playback, capture}]}",
    ),
    Method(
        "setup.find_pins",
        "Watch every pin that nobody holds; changes are told in the topic pins.",
        (Param("seconds", "number", "1 to 600; 60 if left out"),),
        "{seconds, pins: [name], held: {pin: by whom}}",
        '{"seconds": 60}',
    ),
    Method("setup.stop_pins", "Watch them no more."),
    Method(
        "network.show",
        "The machine's network, as it is now.",
        (),
        "{interfaces: [{name, state, mac, addresses: [text]}], gateways: [text], name_servers: [text]}",
    ),
    Method(
        "store.reset",
        "Erase accounts, settings, secrets, call log and phone book, and start anew. Nothing brings them back.",
        (Param("keep_board", "flag", "whether the settings of board and sound card stay"),),
        "{kept: [key]}",
        '{"keep_board": true}',
    ),
    Method(
        "store.seal",
        "The secrets of accounts and settings as a text that only the passphrase opens.",
        (_needs("passphrase", "text", "at least 8 characters"),),
        "{sealed}",
        '{"passphrase": "wire and solder"}',
    ),
    Method(
        "store.unseal",
        "Give the accounts that there are the secrets of such a text.",
        (
            _needs("passphrase", "text", "that of the text"),
            _needs("sealed", "text", "what store.seal answered"),
            Param("check", "flag", "only try whether the passphrase fits, and take nothing"),
        ),
        "{taken: [key]}",
        '{"passphrase": "wire and solder", "sealed": "offhook-sealed-1:..."}',
    ),
    Method(
        "machine.show",
        "The power supply and the warmth of the board.",
        (),
        "{power_faults: [text] (null where the board does not tell), temperature_c}",
    ),
    Method(
        "storage.show",
        "The store and the room beside it.",
        (),
        "{store, bytes, copy_age_s (of the last good copy, or null), free_bytes, total_bytes, read_only}",
    ),
    Method("phonebook.list", "The phone book.", (), "{entries: [{name, target, short_code}]}"),
    Method(
        "phonebook.add",
        "Put somebody into the phone book.",
        (
            _needs("name", "text", "whom"),
            _needs("target", "text", "number or SIP address"),
            Param("short_code", "text", "digits to dial instead"),
        ),
        "{}",
        '{"name": "Front door", "target": "sip:door@192.0.2.7", "short_code": "11"}',
    ),
    Method("phonebook.remove", "Take somebody out.", (_needs("name", "text", "whom"),), "{}", '{"name": "Front door"}'),
    Method(
        "calllog.list",
        "The finished calls, newest first; times are Unix seconds, 0 where it did not happen.",
        (_LIMIT,),
        "{calls: [{id, direction, remote, remote_name, account, started_at, answered_at, ended_at, cause, "
        "mos (1 to 4.5, or null where nothing was heard), loss_percent}]}",
        '{"limit": 10}',
    ),
    Method(
        "call.report",
        "How a call sounded: its quality (docs/call-quality.md) and, for the last eight calls, its curves.",
        (Param("number", "number", "1: the last finished call, 2: the one before; 0: the one of now; or left out"),),
        "{number, call, quality: {mos_listening, mos_conversational, loss_percent, jitter_mean_ms, ...} or null, "
        "time_line: {step_s, jitter_ms: [number], buffer_ms, loss_percent, heard_db, sent_db} or null}",
        '{"number": 1}',
    ),
    Method(
        "log.tail",
        "The last lines of the log.",
        (Param("lines", "number", "so many; 50 when left out"),),
        "{lines: [text]}",
        '{"lines": 20}',
    ),
    Method(
        "message.send",
        "Send a text. How it came out follows in the topic message.",
        (
            _needs("target", "text", "a number or a SIP address"),
            _needs("text", "text", "what to say, some 900 bytes at most"),
            Param("account", "text", "name of the account to send with; the first that is registered when left out"),
        ),
        "{message: its id}",
        '{"target": "1002", "text": "The parcel is here."}',
    ),
    Method(
        "message.list",
        "The latest texts that came since the daemon was started, oldest first.",
        (),
        "{messages: [{from, name, account, call, text, at (Unix time)}]}",
    ),
    Method(
        "options.send",
        "Ask a SIP address whether it is there (OPTIONS). The answer follows in the topic options.",
        (
            _needs("target", "text", "a number or a SIP address"),
            Param("account", "text", "name of the account to ask with; the first that is registered when left out"),
        ),
        "{query}",
        '{"target": "sip:192.0.2.7"}',
    ),
    Method(
        "registration.refresh",
        "Register now instead of at the next deadline.",
        (Param("account", "text", "name of the account; all when left out"),),
        "{accounts: [id]}",
    ),
    Method(
        "board.show",
        "Inputs and outputs of the board.",
        (),
        "{profile, driver, hook, ringing, lamps, relays, lines: [{name, chip, line, direction, active, ...}]}",
    ),
    Method(
        "board.drive",
        "Drive an input line of the simulated board.",
        (_needs("line", "text", "name of the line"), _needs("active", "flag", "its new state")),
        "{}",
        '{"line": "hook", "active": true}',
    ),
    Method("board.lift", "Lift the simulated handset."),
    Method("board.replace", "Put the simulated handset back."),
    Method(
        "board.press",
        "Press keys of the simulated keypad.",
        (_needs("digits", "text", "0-9, *, #, A-D"),),
        "{}",
        '{"digits": "1002"}',
    ),
    Method(
        "subscribe",
        "Send events of these topics on this connection, as notifications event.TOPIC.",
        (
            _needs(
                "topics",
                "texts",
                "phone, call, registration, message, notify, sip, log, board, desk, config, dns, audio",
            ),
        ),
        "{topics: [all topics subscribed to]}",
        '{"topics": ["phone", "call"]}',
    ),
    Method(
        "unsubscribe",
        "Send no more events of these topics.",
        (_needs("topics", "texts", "as for subscribe"),),
        "{topics: [those left]}",
        '{"topics": ["phone"]}',
    ),
    Method("daemon.version", "Version of the daemon.", (), "{version, python}"),
    Method("daemon.stop", "End all calls, unregister and stop the daemon."),
)

METHODS: dict[str, Method] = {method.name: method for method in _METHODS}

TOPICS: dict[str, str] = {
    "phone": "{state, previous, call, at (monotonic seconds)}: the phone went to another state",
    "call": "{event (incoming, trying, ringing, established, ended, transferring, transferred, transfer-failed, "
    "identity), call, direction, remote, status, text}; incoming also has {name, facts}",
    "registration": "{account, state, status, text, expires_s, next_attempt_s}",
    "message": "{event (received), from, name, account, call, text, at} of a text that came, or "
    "{event (sent, failed), message, status, text} of one of ours",
    "notify": "{event (notification), name, account, package, body, waiting, new, old} or "
    "{event (subscription), name, account, package, state, status, text, next_attempt_s}",
    "sip": "{at (Unix time), direction (in, out), peer, bytes, first_line, text}: every message",
    "log": "{level, line}",
    "board": "{line, active, at}: a line of the board changed",
    "desk": "{event (HookLifted, HookReplaced, HookFlashed, DigitDialled, ButtonPressed, DialStarted), name (of the "
    "button, or the digit), at (monotonic seconds)}: what the person at the desk did",
    "options": "{name (of the query), status (0: no answer), text, seconds, software, abilities: {header: value}}",
    "dns": "{target (its place among the targets of test.dns), test (its number), type, name, server, seconds, ttl_s, "
    "records: [text], fault} of a step, or {target, test, hops: [text]} at the end of a target",
    "pins": "{pin, level (high, low), at (monotonic seconds)}: a pin that setup.find_pins watches",
    "meter": "{rms_db, peak_db}: the microphone while test.mic runs, in dB below full scale, five times a second",
    "config": "{event (committed, confirmed, taken-back), number, author, comment, changed: [key]}",
    "audio": "{call, ended, report} of a stream every second, at its end with {quality} as in call.report, "
    "{device (lost, found), text} of the sound card, "
    "{call, recorded (path), seconds, fault} or {call, played (path), fault}",
}


def faults(method: Method, params: Mapping[str, object]) -> list[str]:
    """Everything wrong with `params`, one phrase each; names what is missing, unknown or of the wrong kind."""
    known = {param.name: param for param in method.params}
    takes = ", ".join(known) or "none"
    found = [f"{name}: unknown, {method.name} takes {takes}" for name in params if name not in known]
    for param in method.params:
        if param.name not in params:
            if param.required:
                found.append(f"{param.name}: missing ({param.help})")
        elif not _fits(param.kind, params[param.name]):
            found.append(f"{param.name}: must be {_WORDS[param.kind]}")
    return found


_WORDS = {
    "text": "text",
    "number": "a whole number",
    "flag": "true or false",
    "texts": "a list of texts",
    "map": "an object with text or null for each name",
    "tables": "an object with an object or null for each name",
}


def _fits(kind: str, value: object) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "texts":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "tables":
        return isinstance(value, dict) and all(item is None or isinstance(item, dict) for item in value.values())
    return isinstance(value, dict) and all(item is None or isinstance(item, str) for item in value.values())
