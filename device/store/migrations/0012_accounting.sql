-- From which address a request came: it tells guessers of passwords from users who mistyped.

ALTER TABLE acc ADD COLUMN src_ip TEXT NOT NULL DEFAULT '';
