-- Allowances that steps share, such as an API's limit: who may use one when.

CREATE TABLE allowances (
    name TEXT NOT NULL,
    number INTEGER NOT NULL,                -- the order of asking
    holder TEXT NOT NULL,                   -- one try of one step
    at REAL NOT NULL,
    PRIMARY KEY (name, number)
) WITHOUT ROWID;

CREATE UNIQUE INDEX allowances_holder ON allowances (name, holder);
