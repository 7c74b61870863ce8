-- Big values of facts, each once by the hash of its content, and which runs refer to them.

CREATE TABLE blobs (
    hash TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,                  -- in bytes, of all parts
    parts INTEGER NOT NULL                  -- how many of them make it whole
) WITHOUT ROWID;

CREATE TABLE blob_parts (
    hash TEXT NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,                     -- JSON of the value's own kind
    PRIMARY KEY (hash, part)
);

CREATE TABLE blob_uses (
    run TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (run, hash)
) WITHOUT ROWID;

CREATE INDEX blob_uses_hash ON blob_uses (hash);
