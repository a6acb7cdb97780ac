-- What partitions have to know that talk by message. There is one here; the same is kept where there are many.

ALTER TABLE profiles ADD COLUMN merged TEXT;

ALTER TABLE workflow_states ADD COLUMN heard TEXT NOT NULL DEFAULT '[]';

PRAGMA user_version = 3;
