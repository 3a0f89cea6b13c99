-- What is offered and accepted in calls through an account; empty for what the setting media.codecs says.

ALTER TABLE account ADD COLUMN codecs TEXT NOT NULL DEFAULT '';
