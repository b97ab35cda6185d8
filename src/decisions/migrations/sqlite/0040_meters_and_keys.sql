-- Levels that requests raise: what budgets have spent, how full the buckets of rate limits are. `leak` is a second's; times are
-- microseconds since 1970.
CREATE TABLE meters (
    name TEXT NOT NULL PRIMARY KEY,
    level DOUBLE PRECISION NOT NULL,
    at BIGINT NOT NULL,
    leak DOUBLE PRECISION NOT NULL,
    expires BIGINT
);
CREATE INDEX meters_expires ON meters (expires);

-- The client's key, by its name.
ALTER TABLE decisions ADD COLUMN key_name TEXT;
CREATE INDEX decisions_key_name ON decisions (key_name, id);

-- For `outcome`: those that failed are few, and are told apart by the index itself.
CREATE INDEX decisions_outcome ON decisions (outcome, id, route, tier);
