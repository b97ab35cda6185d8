-- The place of each record in the chain of its writer. Records from before there were receipts have none.
ALTER TABLE decisions ADD COLUMN writer TEXT COLLATE "C";
ALTER TABLE decisions ADD COLUMN sequence BIGINT;
CREATE INDEX decisions_chain ON decisions (writer, sequence);

-- What was said of answers later. `feedback` is the truth, as JSON.
CREATE TABLE feedback (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    decision_id TEXT COLLATE "C" NOT NULL,
    feedback TEXT NOT NULL
);
CREATE INDEX feedback_decision ON feedback (decision_id);
