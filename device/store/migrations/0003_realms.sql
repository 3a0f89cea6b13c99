-- A registrar and the proxy before it may each have a realm: `secret` has one row for each realm of an account.
-- The clear text is in row 0 and only while no realm is known.

CREATE TABLE secret_by_realm (
    account_id     TEXT NOT NULL,
    number         INTEGER NOT NULL,
    username       TEXT NOT NULL,
    realm          TEXT NOT NULL,
    ha1            TEXT NOT NULL,
    ha1_sha256     TEXT NOT NULL,
    ha1_sha512t256 TEXT NOT NULL,
    password       TEXT NOT NULL,
    PRIMARY KEY (account_id, number)
) WITHOUT ROWID;

INSERT INTO secret_by_realm (account_id, number, username, realm, ha1, ha1_sha256, ha1_sha512t256, password)
    SELECT account_id, 0, username, realm, ha1, ha1_sha256, ha1_sha512t256, password FROM secret;

-- Clearing the table first zeroes its pages, see vault.py.
DELETE FROM secret;
DROP TABLE secret;
ALTER TABLE secret_by_realm RENAME TO secret;
