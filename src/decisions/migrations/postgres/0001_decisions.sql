-- One row per request. `record` is the truth: the record's JSON without what `contents` holds. The other columns copy
-- what is filtered and aggregated; times are microseconds since 1970, durations milliseconds, costs USD.
--
-- Ids are UUIDv7 and sort by time, so that a range of ids is a month. Partitions are made by the program, ahead of time;
-- what fits none is in the default one.
CREATE TABLE decisions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    route TEXT COLLATE "C",
    tenant TEXT COLLATE "C",
    task TEXT COLLATE "C",
    requested_model TEXT NOT NULL,
    cause TEXT NOT NULL,
    outcome TEXT NOT NULL,
    tier TEXT COLLATE "C",
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
) PARTITION BY RANGE (id);
CREATE TABLE decisions_rest PARTITION OF decisions DEFAULT;
CREATE INDEX decisions_at ON decisions (at);
CREATE INDEX decisions_route ON decisions (route, id);
CREATE INDEX decisions_tenant ON decisions (tenant, id);
CREATE INDEX decisions_task ON decisions (task, id);
CREATE INDEX decisions_tier ON decisions (tier, id);

-- A copy of each record's attempts, to aggregate by tier, status and reason.
CREATE TABLE attempts (
    decision_id TEXT COLLATE "C" NOT NULL,
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
) PARTITION BY RANGE (decision_id);
CREATE TABLE attempts_rest PARTITION OF attempts DEFAULT;

-- What was asked and answered, as JSON, apart so that it can be kept shorter than the record, or not at all.
CREATE TABLE contents (
    decision_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    request TEXT,
    answer TEXT
) PARTITION BY RANGE (decision_id);
CREATE TABLE contents_rest PARTITION OF contents DEFAULT;
