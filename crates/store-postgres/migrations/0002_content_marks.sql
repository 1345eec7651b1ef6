-- What a response has in common with later calls is told by keyed marks of its content, never by the content.
ALTER TABLE scan_responses ADD COLUMN content_marks bytea NOT NULL DEFAULT ''::bytea;
