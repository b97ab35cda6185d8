//! The statements of the log.

use jiff::{SignedDuration, Timestamp};

use super::row::{CONTENT_COLUMNS, Row, attempt_columns, decision_columns, label, word};
use super::{DecisionFilter, Page};
use crate::database::{Bind, Statement};
use crate::decisions::{DecisionRecord, Feedback, Outcome, id};
use crate::judge::jobs;

/// SQLite's limit of placeholders in a statement is 32,766 and PostgreSQL's 65,535.
const MAX_BINDS: usize = 32_000;

/// How long a request's body may take to come.
const BODY: SignedDuration = SignedDuration::from_mins(5);

/// The transaction, statement after statement, that inserts records; those whose id is already there are left as they are.
pub(super) fn transaction(rows: &[Row]) -> Statement {
    let mut all = Statement::new("BEGIN IMMEDIATE; ");
    insert(&mut all, "decisions", &decision_columns(), rows.iter().map(|row| &row.decision));
    insert(&mut all, "attempts", &attempt_columns(), rows.iter().flat_map(|row| &row.attempts));
    insert(&mut all, "contents", &CONTENT_COLUMNS, rows.iter().filter_map(|row| row.content.as_ref()));
    insert(&mut all, "judge_jobs", &jobs::COLUMNS, rows.iter().flat_map(|row| &row.jobs));
    all.and("COMMIT")
}

/// The statement that reads one record: `id`, `record`, `request`, `answer`.
pub(super) fn select_one(id: &str) -> Statement {
    let mut statement = Statement::new(format!("SELECT {COLUMNS} FROM decisions d {CONTENTS}"));
    statement.condition("d.id =", Bind::Text(Some(id.into())));
    statement
}

/// The statement that reads a page, newest first, with one row more than the page holds: it tells whether there is a
/// next one.
pub(super) fn select_page(filter: &DecisionFilter) -> Statement {
    let mut statement = Statement::new("SELECT d.id, d.record FROM decisions d");
    let outcome = filter.outcome.map(|outcome| word(&outcome));
    let (rare, usual) = if filter.outcome == Some(Outcome::Served) { (None, outcome) } else { (outcome, None) };
    let named = |value: &Option<String>| value.as_ref().map(|value| label(Some(value)));
    // What is asked for, the rarest first: that one finds the rows by its index, in the order of ids. An engine that chose
    // another index would look through millions of rows, and one that took several would sort.
    let columns = [
        ("d.task", named(&filter.task)),
        ("d.key_name", named(&filter.key)),
        ("d.tenant", named(&filter.tenant)),
        ("d.outcome", rare),
        ("d.route", named(&filter.route)),
        ("d.tier", named(&filter.tier)),
        ("d.outcome", usual),
    ];
    let asked = columns.into_iter().filter_map(|(column, value)| Some((column, value?)));
    for (place, (column, value)) in asked.enumerate() {
        let comparison = if place == 0 { format!("{column} =") } else { format!("{column} || '' =") };
        statement.condition(&comparison, value);
    }
    if filter.before.is_some() {
        statement.condition("d.id <", label(filter.before.as_deref()));
    }
    if filter.without_receipt {
        statement.condition("d.writer IS NULL AND d.id >", Bind::Text(Some("".into())));
    }
    if let Some(since) = filter.since {
        // An id is not older than its record's time: it bounds the search, and `+` keeps to the order of ids.
        statement.condition("d.id >=", Bind::Text(Some(id::first_of(since).into())));
        statement.condition("+d.at >=", Bind::Int(Some(since.as_microsecond())));
    }
    if let Some(until) = filter.until {
        // An id is made once the request's body has come: hardly later than this after its time.
        let last = until.checked_add(BODY).unwrap_or(Timestamp::MAX);
        statement.condition("d.id <", Bind::Text(Some(id::first_of(last).into())));
        statement.condition("+d.at <", Bind::Int(Some(until.as_microsecond())));
    }
    statement.text.push_str(" ORDER BY d.id DESC LIMIT ");
    statement.value(Bind::Int(Some(i64::from(limit(filter)) + 1)));
    let page = &statement.text;
    // The page is cut before contents are looked up, whatever the engine makes of their number.
    statement.text = if filter.without_content {
        format!("SELECT d.id, d.record, NULL, NULL FROM ({page}) d ORDER BY d.id DESC")
    } else {
        format!("SELECT {COLUMNS} FROM ({page}) d {CONTENTS} ORDER BY d.id DESC")
    };
    statement
}

/// The statement that reads records in the order of their chains, from behind this place on.
pub(super) fn select_chain(after: Option<&(String, u64)>, since: Option<Timestamp>, limit: u32) -> Statement {
    let mut statement = Statement::new(format!("SELECT {COLUMNS} FROM decisions d {CONTENTS}"));
    // Leaves out records that have no writer.
    statement.condition("d.writer >=", Bind::Text(Some("".into())));
    if let Some((writer, sequence)) = after {
        statement.condition("(d.writer, d.sequence) > (", Bind::Text(Some(writer.as_str().into())));
        statement.text.push_str(", ");
        statement.value(Bind::Int(Some(i64::try_from(*sequence).unwrap_or(i64::MAX))));
        statement.text.push(')');
    }
    if let Some(since) = since {
        statement.condition("d.id >=", Bind::Text(Some(id::first_of(since).into())));
    }
    statement.text.push_str(" ORDER BY d.writer, d.sequence LIMIT ");
    statement.value(Bind::Int(Some(limit.into())));
    statement
}

/// The statement that adds a piece of feedback.
pub(super) fn insert_feedback(feedback: &Feedback, json: &str) -> Statement {
    Statement::new("INSERT INTO feedback (id, decision_id, feedback) VALUES (")
        .list([&feedback.id, &feedback.decision_id, json])
        .and(") ON CONFLICT DO NOTHING")
}

/// The statement that reads what was said of these records: `id`, `feedback`, oldest first.
pub(super) fn select_feedback(decisions: &[&str]) -> Statement {
    Statement::new("SELECT id, feedback, NULL, NULL FROM feedback WHERE decision_id IN (")
        .list(decisions.iter().copied())
        .and(") ORDER BY id")
}

/// The statement that deletes up to a thousand rows whose key is below `id`.
pub(super) fn delete_before(table: &str, key: &str, id: &str) -> Statement {
    let text = format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {key} < ");
    Statement::new(text).list([id]).and(&format!(" ORDER BY {key} LIMIT 1000)"))
}

/// The statement that deletes up to a thousand levels that nobody will ask for.
pub(super) fn delete_expired(now: Timestamp) -> Statement {
    let text = "DELETE FROM meters WHERE name IN (SELECT name FROM meters WHERE expires < ";
    Statement::new(text).list([now]).and(" LIMIT 1000)")
}

/// Cuts what [`select_page`] read to a page.
pub(super) fn page(filter: &DecisionFilter, mut decisions: Vec<DecisionRecord>) -> Page {
    let size = limit(filter) as usize;
    let more = decisions.len() > size;
    decisions.truncate(size);
    let next = decisions.last().filter(|_| more).map(|last| last.id.clone());
    Page { decisions, next }
}

const COLUMNS: &str = "d.id, d.record, c.request, c.answer";

const CONTENTS: &str = "LEFT JOIN contents c ON c.decision_id = d.id";

impl Statement {
    fn condition(&mut self, comparison: &str, value: Bind) {
        self.text.push_str(if self.binds.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(comparison);
        self.text.push(' ');
        self.value(value);
    }
}

fn limit(filter: &DecisionFilter) -> u32 {
    filter.limit.clamp(1, 1000)
}

fn insert<'a>(all: &mut Statement, table: &str, columns: &[&str], rows: impl Iterator<Item = &'a Vec<Bind>>) {
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        all.text.push_str(&format!("INSERT INTO {table} ({}) VALUES ", columns.join(", ")));
        for (i, row) in rows.by_ref().take(MAX_BINDS / columns.len()).enumerate() {
            all.text.push_str(if i == 0 { "(" } else { ", (" });
            for (j, bind) in row.iter().enumerate() {
                all.text.push_str(if j == 0 { "" } else { ", " });
                all.value(bind.clone());
            }
            all.text.push(')');
        }
        all.text.push_str(" ON CONFLICT DO NOTHING; ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_bound_in_order() {
        let filter =
            DecisionFilter { limit: 5000, before: Some("b".into()), route: Some("r".into()), ..Default::default() };
        let statement = select_page(&filter);
        assert!(
            statement.text.contains("WHERE d.route = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?)"),
            "{}",
            statement.text
        );
        let text = |text: &str| Bind::Text(Some(text.into()));
        assert_eq!(statement.binds, [text("r"), text("b"), Bind::Int(Some(1001))]);
    }

    #[test]
    fn many_rows_are_split_below_the_limit_of_placeholders() {
        let rows = vec![vec![Bind::Bool(true), Bind::Bool(false)]; MAX_BINDS];
        let mut all = Statement::new("");
        insert(&mut all, "t", &["a", "b"], rows.iter());
        let placeholders: Vec<_> = all.text.split_terminator("; ").map(|text| text.matches('?').count()).collect();
        assert_eq!((placeholders, all.binds.len()), (vec![MAX_BINDS, MAX_BINDS], 2 * MAX_BINDS));
        assert!(all.text.starts_with("INSERT INTO t (a, b) VALUES (?, ?), (?, ?)"));
    }
}
