-- What makes a call's net savings, in tokens, and the project it was made for.

ALTER TABLE delegate_mcp.calls
    ADD COLUMN project text,
    ADD COLUMN spared_input_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN spared_output_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN director_listing_tokens bigint NOT NULL DEFAULT 0;
