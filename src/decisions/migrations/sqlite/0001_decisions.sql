-- Runs on SQLite and on PostgreSQL.
--
-- One row per request. `record` is the truth: the record's JSON without what `contents` holds. The other columns copy
-- what is filtered and aggregated; times are microseconds since 1970, durations milliseconds, costs USD.
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    route TEXT,
    tenant TEXT,
    task TEXT,
    requested_model TEXT NOT NULL,
    cause TEXT NOT NULL,
    outcome TEXT NOT NULL,
    tier TEXT,
    model TEXT,
    model_version TEXT,
    score DOUBLE PRECISION,
    threshold DOUBLE PRECISION,
    novelty DOUBLE PRECISION,
    propensity DOUBLE PRECISION NOT NULL,
    escalations BIGINT NOT NULL,
    streamed BOOLEAN NOT NULL,
    stand_in BOOLEAN NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    cost_usd DOUBLE PRECISION,
    latency_ms DOUBLE PRECISION NOT NULL,
    ttft_ms DOUBLE PRECISION,
    decide_ms DOUBLE PRECISION NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX decisions_at ON decisions (at);
CREATE INDEX decisions_route ON decisions (route, id);
CREATE INDEX decisions_tenant ON decisions (tenant, id);
CREATE INDEX decisions_task ON decisions (task, id);
CREATE INDEX decisions_tier ON decisions (tier, id);

-- A copy of each record's attempts, to aggregate by tier, status and reason.
CREATE TABLE attempts (
    decision_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    tier TEXT NOT NULL,
    purpose TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    mean_logprob DOUBLE PRECISION,
    agreement DOUBLE PRECISION,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cached_tokens BIGINT,
    cost_usd DOUBLE PRECISION,
    started_ms DOUBLE PRECISION NOT NULL,
    latency_ms DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (decision_id, ordinal)
);

-- What was asked and answered, apart so that it can be kept shorter than the record, or not at all.
CREATE TABLE contents (
    decision_id TEXT NOT NULL PRIMARY KEY,
    request TEXT,
    answer TEXT
);
