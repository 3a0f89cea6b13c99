-- Who may use the technician's console. `verifier` is what scrypt makes of a password, never the password.

CREATE TABLE console_role (
    role     TEXT PRIMARY KEY,
    verifier TEXT NOT NULL
) WITHOUT ROWID;

-- Wrong passwords in a row, by line, so that pulling the plug does not shorten a lock-out.
CREATE TABLE console_failure (
    id       INTEGER PRIMARY KEY,
    line     TEXT NOT NULL UNIQUE,
    failures INTEGER NOT NULL
);
