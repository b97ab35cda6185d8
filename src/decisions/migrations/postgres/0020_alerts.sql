-- What was noticed, in the order in which the leader is to take it in.
CREATE TABLE alert_signals (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    signal TEXT NOT NULL
);

-- Alerts. `alert` is the truth, as JSON; the other columns copy what is searched for.
CREATE TABLE alerts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    alert TEXT NOT NULL
);
CREATE INDEX alerts_fingerprint ON alerts (fingerprint, id);
CREATE INDEX alerts_status ON alerts (status, id);

-- Alerts that nobody is to be told of for a while.
CREATE TABLE silences (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    ends_at BIGINT NOT NULL,
    silence TEXT NOT NULL
);

-- What a receiver is to be told, until it has been, or can no longer be. `message` is the same for each attempt.
CREATE TABLE deliveries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    receiver TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    status BIGINT,
    error TEXT,
    message TEXT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (state, next_at);

-- Receivers that have said that they are gone.
CREATE TABLE receivers_gone (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

-- What each monitor has seen so far, as JSON; `cursor` rows tell how far the log was read.
CREATE TABLE monitors (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    updated_at BIGINT NOT NULL,
    state TEXT NOT NULL
);
