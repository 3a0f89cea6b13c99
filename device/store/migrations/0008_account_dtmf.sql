-- How digits are sent in calls through an account; empty for what the setting media.dtmf says.

ALTER TABLE account ADD COLUMN dtmf TEXT NOT NULL DEFAULT '';
