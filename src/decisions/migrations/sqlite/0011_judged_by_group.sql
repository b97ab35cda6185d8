-- What an estimate needs of all requests, without their records.
CREATE INDEX decisions_judged ON decisions
    (id, route, tier, model_version, judge_propensity, judge_predicted, judge_drawn) WHERE judge_propensity IS NOT NULL;
