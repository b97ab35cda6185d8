-- What the gate let pass without it becoming the champion was written down as `promoted`.
UPDATE retrain_attempts SET outcome = 'on_trial' WHERE outcome = 'promoted' AND report LIKE '%"state":"shadow"%';
UPDATE retrain_attempts SET outcome = 'waiting' WHERE outcome = 'promoted' AND report LIKE '%"state":"challenger"%';
