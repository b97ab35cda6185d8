-- Answers are kept as JSON texts, as requests are: PostgreSQL's texts cannot hold every character, and both engines share
-- what they bind.
UPDATE contents SET answer = json_quote(answer) WHERE answer IS NOT NULL;
