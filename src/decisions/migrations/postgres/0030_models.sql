-- Models. At most one is the champion, and at most one each is on trial.
CREATE TABLE models (
    version TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    -- The champion when it was made.
    parent TEXT,
    -- The champion that it replaced: where a rollback goes.
    previous TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- What it was fitted on and with, as JSON.
    lineage TEXT NOT NULL,
    -- What the gate said, as JSON.
    report TEXT,
    -- The whole `model.json`; nothing once it is too old to be kept.
    artifact TEXT
);
CREATE UNIQUE INDEX models_one_champion ON models (state) WHERE state = 'champion';
CREATE UNIQUE INDEX models_one_shadow ON models (state) WHERE state = 'shadow';
CREATE UNIQUE INDEX models_one_canary ON models (state) WHERE state = 'canary';

-- Every change of a model's state.
CREATE TABLE model_changes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX model_changes_version ON model_changes (version, id);

-- Attempts to replace a champion: each spends some of the probability of a wrong promotion.
CREATE TABLE retrain_attempts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    champion TEXT COLLATE "C" NOT NULL,
    challenger TEXT,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    report TEXT
);
CREATE INDEX retrain_attempts_champion ON retrain_attempts (champion, id);
