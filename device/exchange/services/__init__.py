"""What the exchange answers itself: voicemail, echo, time, music, conferences, paging. Pure; sound is made elsewhere.

Loaded only where a service has a number. Each call of a service has one act (`acts.Act`), which says what the caller
hears next (`orders`) and is told what became of it (`happenings`).
"""
