-- Who looks for a run's children, or for what may be removed, finds them without reading all runs.

CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
