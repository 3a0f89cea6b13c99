"""The states of the phone and the timers that may run in them."""

from enum import Enum, unique


@unique
class PhoneState(Enum):
    """What the line is doing, in telephone words."""

    IDLE = "idle"
    """Handset down, nothing happens."""
    DIAL_TONE = "dial-tone"
    """Handset lifted, nothing dialled yet."""
    COLLECTING = "collecting"
    """Digits are being dialled."""
    CALLING = "calling"
    """A call was placed, the far end has not rung yet."""
    RINGBACK = "ringback"
    """The far end rings, or sends sound before it answers."""
    ALERTING = "alerting"
    """A caller is ringing this phone; the handset is down."""
    CONNECTED = "connected"
    """Two people talk, by handset or hands-free."""
    HELD = "held"
    """The call stands, but is on hold by us."""
    TRANSFERRING = "transferring"
    """The far end is being sent on to somebody else."""
    BUSY_TONE = "busy-tone"
    """The number was busy or the far end hung up."""
    REORDER = "reorder"
    """The call failed, or the number is not a number."""
    HOWLER = "howler"
    """The handset was forgotten off the cradle: off-hook warning, later silence."""
    OUT_OF_SERVICE = "out-of-service"
    """No account can be used and direct calls are off; only emergency numbers can be dialled."""


@unique
class Timer(Enum):
    """A deadline of the phone; when it is reached it is an event of its own in the table."""

    FIRST_DIGIT = "first-digit"
    """Dial tone, and nobody dials."""
    HOTLINE = "hotline"
    """Warmline: dial tone for a while, then the hotline is called."""
    INTER_DIGIT = "inter-digit"
    """Nothing more was dialled: what there is counts."""
    NO_ANSWER = "no-answer"
    """The far end does not answer our call."""
    RING = "ring"
    """Nobody here answers the caller."""
    AUTO_ANSWER = "auto-answer"
    """The delay before the phone answers by itself."""
    TONE = "tone"
    """A tone has played long enough."""
    BEEP = "beep"
    """The short confirmation tone within a call ends."""
    TALK = "talk"
    """The longest allowed talk is over."""
    HANDED_OVER = "handed-over"
    """The far end that sent us on has had time enough to hang up."""
    DOOR_HANG_UP = "door-hang-up"
    """The door was opened a while ago: the call may end."""
