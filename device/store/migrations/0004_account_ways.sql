-- How an account keeps its way to the server open, and what it shows of itself. The values are those of device/model.py.

ALTER TABLE account ADD COLUMN proxy_mode TEXT NOT NULL DEFAULT 'route';
ALTER TABLE account ADD COLUMN keepalive TEXT NOT NULL DEFAULT 'auto';
ALTER TABLE account ADD COLUMN keepalive_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN outbound INTEGER NOT NULL DEFAULT 1;
ALTER TABLE account ADD COLUMN privacy TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN mwi INTEGER NOT NULL DEFAULT 0;
