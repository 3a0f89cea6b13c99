-- The last good answers of DNS, for starts at which no name server answers. `kind` is the number of the record type,
-- `answer` one record a line as a zone file has it.

CREATE TABLE dns_answer (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    kind   INTEGER NOT NULL,
    answer TEXT NOT NULL,
    UNIQUE (name, kind)
);
