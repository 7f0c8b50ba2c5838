-- What use has shown of each model at each task type, the verdicts on calls, and the arm of an experiment.

ALTER TABLE calls ADD COLUMN arm TEXT NOT NULL DEFAULT '';

CREATE TABLE standing (
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    task_type TEXT NOT NULL,
    worth_good REAL NOT NULL DEFAULT 0,
    worth_bad REAL NOT NULL DEFAULT 0,
    worth_at REAL NOT NULL DEFAULT 0,
    presence_good REAL NOT NULL DEFAULT 0,
    presence_bad REAL NOT NULL DEFAULT 0,
    presence_at REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, model, task_type)
) WITHOUT ROWID;

CREATE TABLE verdicts (
    call_id TEXT PRIMARY KEY,
    verdict TEXT NOT NULL CHECK (verdict IN ('good', 'bad')),
    why TEXT NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
