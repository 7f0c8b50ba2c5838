-- A call is learned from once, and a call of an experiment may be answered by others than the models of its arm.

ALTER TABLE delegate_mcp.calls
    ADD COLUMN learned boolean NOT NULL DEFAULT false,
    ADD COLUMN beyond_arm boolean NOT NULL DEFAULT false;
