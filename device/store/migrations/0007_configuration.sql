-- The configurations that were committed at a console, newest last. `content` is JSON without secrets of accounts.

CREATE TABLE config_commit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      REAL NOT NULL,
    author  TEXT NOT NULL,
    comment TEXT NOT NULL,
    content TEXT NOT NULL
);

-- What comes back unless the last commit is confirmed, secrets included; it is there no longer than that takes.
CREATE TABLE config_pending (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    number  INTEGER NOT NULL,
    content TEXT NOT NULL
);
