-- In which order runs ended, for those who read every ended run once. A number is never given twice, not even when the
-- run that had it is deleted.

ALTER TABLE runs ADD COLUMN ending INTEGER;

UPDATE runs SET ending = numbered.number
FROM (SELECT id, row_number() OVER (ORDER BY ended, rowid) AS number FROM runs WHERE ended IS NOT NULL) AS numbered
WHERE runs.id = numbered.id;

CREATE UNIQUE INDEX runs_ending ON runs (ending) WHERE ending IS NOT NULL;

CREATE TABLE endings (
    last INTEGER NOT NULL
);

INSERT INTO endings SELECT ifnull(max(ending), 0) FROM runs;
