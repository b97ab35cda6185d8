-- What judges say of answers. `verdict` is the truth, as JSON; `seq` is the order in which they came. `about` names what is
-- judged once only: an answer, by one judge's prompt, in one order.
CREATE TABLE verdicts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    about TEXT NOT NULL UNIQUE,
    decision_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    route TEXT,
    tier TEXT,
    model_version TEXT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    verdict TEXT NOT NULL
);
CREATE INDEX verdicts_decision ON verdicts (decision_id);
CREATE INDEX verdicts_at ON verdicts (at);

-- What there is to judge: one row per answer, written in the transaction of its record. `state` is waiting, leased, batched,
-- done or dead; `due_at` is when a waiting job may be begun, and when a leased one may be taken over. Times are microseconds
-- since 1970, costs USD.
CREATE TABLE judge_jobs (
    id TEXT NOT NULL PRIMARY KEY,
    decision_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    owner TEXT,
    attempts BIGINT NOT NULL,
    spent_usd DOUBLE PRECISION NOT NULL,
    failures BIGINT NOT NULL,
    error TEXT
);
CREATE INDEX judge_jobs_due ON judge_jobs (state, due_at);
CREATE INDEX judge_jobs_decision ON judge_jobs (decision_id);

-- Calls that a job has made or waits for, so that none is paid for twice: answers to compare with, and those of a batch.
-- `state` is queued, sent or done; `request` goes when the call is done.
CREATE TABLE judge_calls (
    id TEXT NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL,
    decision_id TEXT NOT NULL,
    state TEXT NOT NULL,
    batch_id TEXT,
    created_at BIGINT NOT NULL,
    request TEXT,
    result TEXT
);
CREATE INDEX judge_calls_job ON judge_calls (job_id);
CREATE INDEX judge_calls_state ON judge_calls (state, created_at);
CREATE INDEX judge_calls_batch ON judge_calls (batch_id);

-- Batches that were handed in to a provider, or are about to be. `provider_id` is its name for it.
CREATE TABLE judge_batches (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    provider_id TEXT,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    error TEXT
);

-- Pairs of answers that people have judged. `anchor` is the truth, as JSON.
CREATE TABLE judge_anchors (
    id TEXT NOT NULL PRIMARY KEY,
    imported_at BIGINT NOT NULL,
    anchor TEXT NOT NULL
);

-- With which probability a request is judged, what was predicted of its answer, and whether it is (1 or 0): what an estimate
-- needs of all requests.
ALTER TABLE decisions ADD COLUMN judge_propensity DOUBLE PRECISION;
ALTER TABLE decisions ADD COLUMN judge_predicted DOUBLE PRECISION;
ALTER TABLE decisions ADD COLUMN judge_drawn BIGINT;
