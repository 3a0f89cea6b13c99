-- The ways out of the house. A trunk is an account with what the exchange adds to it; its password lies in `secret`.

CREATE TABLE trunk (
    account_id    TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    caller        TEXT NOT NULL,
    number_format TEXT NOT NULL,
    ring          TEXT NOT NULL
);

CREATE TABLE trunk_route (
    prefix   TEXT NOT NULL,
    trunk    TEXT NOT NULL REFERENCES trunk (account_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    strip    INTEGER NOT NULL,
    prepend  TEXT NOT NULL,
    PRIMARY KEY (prefix, trunk)
);

CREATE TABLE number_pattern (
    pattern TEXT PRIMARY KEY,
    kind    TEXT NOT NULL
);

-- Who may call which class of numbers; names and meaning are those of OpenSIPS and Kamailio.
CREATE TABLE grp (
    id            INTEGER PRIMARY KEY,
    username      TEXT NOT NULL,
    domain        TEXT NOT NULL,
    grp           TEXT NOT NULL,
    last_modified INTEGER NOT NULL DEFAULT 0,
    UNIQUE (username, domain, grp)
);
