-- What use has shown of each model at each task type, the verdicts on calls, and the arm of an experiment.

ALTER TABLE delegate_mcp.calls ADD COLUMN arm text NOT NULL DEFAULT '';

CREATE TABLE delegate_mcp.standing (
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    task_type text COLLATE "C" NOT NULL,
    worth_good float8 NOT NULL DEFAULT 0,
    worth_bad float8 NOT NULL DEFAULT 0,
    worth_at float8 NOT NULL DEFAULT 0,
    presence_good float8 NOT NULL DEFAULT 0,
    presence_bad float8 NOT NULL DEFAULT 0,
    presence_at float8 NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, model, task_type)
);

CREATE TABLE delegate_mcp.verdicts (
    call_id text COLLATE "C" PRIMARY KEY,
    verdict text NOT NULL CHECK (verdict IN ('good', 'bad')),
    why text NOT NULL,
    at float8 NOT NULL
);
