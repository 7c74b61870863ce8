-- Runs that a person keeps for ever, and runs that begin with what another run had done.

ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN forked INTEGER NOT NULL DEFAULT 0;   -- 1: parent is the run it was forked from
