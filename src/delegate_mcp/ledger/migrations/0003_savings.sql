-- What makes a call's net savings, in tokens, and the project it was made for.

ALTER TABLE calls ADD COLUMN project TEXT;
ALTER TABLE calls ADD COLUMN spared_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN spared_output_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN director_listing_tokens INTEGER NOT NULL DEFAULT 0;
