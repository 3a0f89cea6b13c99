-- What the embedded exchange keeps. Names and meaning of tables and columns are those of OpenSIPS (and Kamailio),
-- so that their tools and the eyes of their administrators find what they expect.

CREATE TABLE subscriber (
    id             INTEGER PRIMARY KEY,
    username       TEXT NOT NULL,
    domain         TEXT NOT NULL,
    ha1            TEXT NOT NULL DEFAULT '',
    ha1_sha256     TEXT NOT NULL DEFAULT '',
    ha1_sha512t256 TEXT NOT NULL DEFAULT '',
    UNIQUE (username, domain)
);

CREATE TABLE location (
    contact_id    INTEGER PRIMARY KEY,
    username      TEXT NOT NULL,
    domain        TEXT NOT NULL DEFAULT '',
    contact       TEXT NOT NULL,
    received      TEXT,
    path          TEXT,
    expires       INTEGER NOT NULL,
    q             REAL NOT NULL DEFAULT 1.0,
    callid        TEXT NOT NULL,
    cseq          INTEGER NOT NULL,
    last_modified INTEGER NOT NULL DEFAULT 0,
    user_agent    TEXT NOT NULL DEFAULT '',
    socket        TEXT,
    methods       INTEGER,
    sip_instance  TEXT,
    UNIQUE (username, domain, contact)
);

CREATE TABLE dbaliases (
    id             INTEGER PRIMARY KEY,
    alias_username TEXT NOT NULL,
    alias_domain   TEXT NOT NULL DEFAULT '',
    username       TEXT NOT NULL,
    domain         TEXT NOT NULL DEFAULT '',
    UNIQUE (alias_username, alias_domain)
);

CREATE TABLE acc (
    id          INTEGER PRIMARY KEY,
    method      TEXT NOT NULL,
    from_tag    TEXT NOT NULL,
    to_tag      TEXT NOT NULL,
    callid      TEXT NOT NULL,
    sip_code    TEXT NOT NULL,
    sip_reason  TEXT NOT NULL,
    time        INTEGER NOT NULL,
    duration    INTEGER NOT NULL DEFAULT 0,
    ms_duration INTEGER NOT NULL DEFAULT 0,
    setuptime   INTEGER NOT NULL DEFAULT 0,
    src_user    TEXT NOT NULL DEFAULT '',
    dst_user    TEXT NOT NULL DEFAULT ''
);
