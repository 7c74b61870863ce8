-- What long runs' facts come to, so that nobody has to read them all. Only a cache: any of it may be deleted.

CREATE TABLE snapshots (
    run TEXT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    data BLOB NOT NULL
);
