-- Bindings by instance and reg-id (RFC 5626), which several may share one contact, and with the Path of RFC 3327.
-- Names and meaning are those of the location table of OpenSIPS and Kamailio.

CREATE TABLE location_by_flow (
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
    sip_instance  TEXT NOT NULL DEFAULT '',
    reg_id        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (username, domain, contact, sip_instance, reg_id)
);

INSERT INTO location_by_flow (contact_id, username, domain, contact, received, expires, q, callid, cseq, last_modified, user_agent)
    SELECT contact_id, username, domain, contact, received, expires, q, callid, cseq, last_modified, user_agent FROM location;

DROP TABLE location;
ALTER TABLE location_by_flow RENAME TO location;

-- What became of each registration and each call is accounted in `acc`; the oldest of either kind make room for theirs.
CREATE INDEX acc_method ON acc (method, id);

-- One row a call: its beginning, its answer, its end and why; open calls have no end yet, so that a restart loses none.
CREATE TABLE cdr (
    id           INTEGER PRIMARY KEY,
    callid       TEXT NOT NULL,
    from_tag     TEXT NOT NULL,
    to_tag       TEXT NOT NULL DEFAULT '',
    caller       TEXT NOT NULL,
    called       TEXT NOT NULL,
    answered_by  TEXT NOT NULL DEFAULT '',
    set_up_at    REAL NOT NULL,
    answered_at  REAL NOT NULL DEFAULT 0,
    ended_at     REAL NOT NULL DEFAULT 0,
    sip_code     INTEGER NOT NULL DEFAULT 0,
    cause        TEXT NOT NULL DEFAULT '',
    ended_by     TEXT NOT NULL DEFAULT '',
    UNIQUE (callid, from_tag, to_tag)
);
CREATE INDEX cdr_open ON cdr (ended_at) WHERE ended_at = 0;
