-- How far a build is that runs on a Jenkins master; NULL for all others.
ALTER TABLE builds ADD COLUMN master TEXT;
