-- Voicemail and paging of the embedded exchange. Columns of voicemail_messages that Asterisk has too bear its names.

CREATE TABLE voicemail_messages (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    mailbox    TEXT NOT NULL,
    callerid   TEXT NOT NULL DEFAULT '',
    callername TEXT NOT NULL DEFAULT '',
    origtime   REAL NOT NULL,
    duration   REAL,
    heard      INTEGER NOT NULL DEFAULT 0,
    heardtime  REAL
);

CREATE INDEX voicemail_messages_of_mailbox ON voicemail_messages (mailbox, heard, origtime);

CREATE TABLE voicemail_pins (
    mailbox TEXT PRIMARY KEY,
    salt    TEXT NOT NULL,
    hash    TEXT NOT NULL
);

CREATE TABLE paging_group (
    number    TEXT PRIMARY KEY,
    members   TEXT NOT NULL DEFAULT '',
    multicast TEXT NOT NULL DEFAULT '',
    codec     TEXT NOT NULL DEFAULT 'PCMU'
);
