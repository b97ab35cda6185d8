//! A partition a month, made ahead of time and dropped whole when all of it is too old.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::decisions::id;

const TABLES: [&str; 3] = ["decisions", "attempts", "contents"];

/// Chosen once and for all: whoever holds this advisory lock changes partitions.
const LOCK: i64 = 0x72_75_6e_67_73_01;

/// Makes the partitions of this month and the next, and drops those that end before `keep_since`.
pub(super) async fn keep(pool: &PgPool, now: Timestamp, keep_since: Option<Timestamp>) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    let names = sqlx::query("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'decisions'::regclass");
    let there: Vec<String> =
        names.fetch_all(&mut *transaction).await?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let mut wanted = Vec::new();
    let this = Month::of(now);
    for month in [this, this.next()] {
        if !there.contains(&month.partition("decisions")) {
            wanted.extend(TABLES.map(|table| month.create(table)));
        }
    }
    let old = there.iter().filter_map(|name| Month::parse(name.strip_prefix("decisions_p")?));
    for month in old.filter(|month| keep_since.is_some_and(|since| month.next().start() <= since)) {
        wanted.extend(TABLES.map(|table| format!("DROP TABLE IF EXISTS {}", month.partition(table))));
    }
    for statement in wanted {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// A month in UTC, by its first day.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Month(Date);

impl Month {
    fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    /// Reads what [`Month::partition`] appends.
    fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_at_checked(4)?;
        Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok().map(Self)
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1.month()))
    }

    fn start(self) -> Timestamp {
        self.0.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).unwrap_or(Timestamp::MAX)
    }

    fn partition(self, table: &str) -> String {
        format!("{table}_p{:04}{:02}", self.0.year(), self.0.month())
    }

    fn create(self, table: &str) -> String {
        let (from, to) = (id::first_of(self.start()), id::first_of(self.next().start()));
        let name = self.partition(table);
        format!("CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}')")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_range_of_ids() {
        let december = Month::of("2026-12-31T23:59:59.999Z".parse().unwrap());
        assert_eq!(december.partition("decisions"), "decisions_p202612");
        assert_eq!(december.next().partition("contents"), "contents_p202701");
        assert_eq!(Month::parse("202612"), Some(december));
        assert_eq!((Month::parse("rest"), Month::parse("2026"), Month::parse("202613")), (None, None, None));
        // 2026-12-01T00:00:00Z is 1,796,083,200,000 ms; the January after it 1,798,761,600,000.
        assert_eq!(
            december.create("decisions"),
            "CREATE TABLE decisions_p202612 PARTITION OF decisions FOR VALUES FROM ('01a22ee6-b000') TO ('01a2ce8b-d400')"
        );
    }
}
