-- Texts that wait for users who are away; names and meaning are those of msilo of OpenSIPS and Kamailio.

CREATE TABLE silo (
    id       INTEGER PRIMARY KEY,
    src_addr TEXT NOT NULL,
    dst_addr TEXT NOT NULL,
    username TEXT NOT NULL,
    domain   TEXT NOT NULL,
    inc_time INTEGER NOT NULL,
    exp_time INTEGER NOT NULL,
    snd_time INTEGER NOT NULL DEFAULT 0,
    ctype    TEXT NOT NULL,
    body     BLOB NOT NULL
);

CREATE INDEX silo_user ON silo (username, domain);
