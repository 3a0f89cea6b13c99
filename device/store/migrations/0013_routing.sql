-- Where the exchange sends calls. Forwarding is kept where OpenSIPS keeps what users want, by attribute; groups of
-- phones and the proxies of foreign domains have no table there.

CREATE TABLE usr_preferences (
    id            INTEGER PRIMARY KEY,
    uuid          TEXT NOT NULL DEFAULT '',
    username      TEXT NOT NULL,
    domain        TEXT NOT NULL DEFAULT '',
    attribute     TEXT NOT NULL,
    type          INTEGER NOT NULL DEFAULT 0,
    value         TEXT NOT NULL DEFAULT '',
    last_modified INTEGER NOT NULL DEFAULT 0,
    UNIQUE (username, domain, attribute)
);

CREATE TABLE ring_group (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    domain    TEXT NOT NULL DEFAULT '',
    in_order  INTEGER NOT NULL DEFAULT 0,
    ring_s    INTEGER NOT NULL DEFAULT 0,
    bell      TEXT NOT NULL DEFAULT '',
    otherwise TEXT NOT NULL DEFAULT '',
    UNIQUE (name, domain)
);

CREATE TABLE ring_group_member (
    group_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    member   TEXT NOT NULL,
    PRIMARY KEY (group_id, position)
) WITHOUT ROWID;

CREATE TABLE domain_route (
    domain   TEXT PRIMARY KEY,
    next_hop TEXT NOT NULL DEFAULT '',
    redirect INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
