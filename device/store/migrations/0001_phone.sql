-- What the phone itself keeps: identities, their secrets, settings, the call log and the phone book.

CREATE TABLE account (
    position       INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    user           TEXT NOT NULL,
    domain         TEXT NOT NULL,
    display_name   TEXT NOT NULL,
    registrar      TEXT NOT NULL,
    outbound_proxy TEXT NOT NULL,
    transport      TEXT NOT NULL,
    auth_user      TEXT NOT NULL,
    expires_s      INTEGER NOT NULL,
    register       INTEGER NOT NULL,
    enabled        INTEGER NOT NULL
);

-- `password` is clear text and is there only until the realm is known; then the ha1 columns replace it.
-- The names of the ha1 columns are those of the subscriber table of OpenSIPS.
-- No foreign key: with one, SQLite would no longer clear the pages of the table as a whole, see vault.py.
CREATE TABLE secret (
    account_id     TEXT PRIMARY KEY,
    username       TEXT NOT NULL,
    realm          TEXT NOT NULL,
    ha1            TEXT NOT NULL,
    ha1_sha256     TEXT NOT NULL,
    ha1_sha512t256 TEXT NOT NULL,
    password       TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE call_log (
    id          INTEGER PRIMARY KEY,
    direction   TEXT NOT NULL,
    remote      TEXT NOT NULL,
    remote_name TEXT NOT NULL,
    account     TEXT NOT NULL,
    started_at  REAL NOT NULL,
    answered_at REAL NOT NULL,
    ended_at    REAL NOT NULL,
    cause       TEXT NOT NULL
);

CREATE TABLE phonebook (
    name       TEXT PRIMARY KEY COLLATE NOCASE,
    target     TEXT NOT NULL,
    short_code TEXT NOT NULL
) WITHOUT ROWID;

CREATE UNIQUE INDEX phonebook_short_code ON phonebook (short_code) WHERE short_code <> '';
