//! Levels that requests raise and that must not pass a limit: what an account has spent, how full the bucket of a rate limit is.
//!
//! A level lives in the database of the decision log, under a name; a process keeps a copy (`sheet.rs`) and tells the
//! database what it adds (`teller.rs`). Routers that share a database ask it before a call: amounts that arrive while it is
//! being asked travel together in the next statement, so that a busy limit costs one row change a round trip. What does
//! not fit is taken back. Alone with its database a process goes by its own copy and the table follows; so does one whose
//! database does not answer, until it does.

mod bank;
mod meter;
mod sheet;
mod teller;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub(crate) use bank::Bank;
pub use meter::Meter;
use sheet::Sheet;
use teller::Teller;

/// An amount to be added to a level, and what the level may come to by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Take {
    /// Which level.
    pub meter: Meter,
    /// What is added.
    pub amount: f64,
    /// The limit; infinite where there is none.
    pub most: f64,
}

/// A level that has no room for an amount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Full {
    /// Which of the takes did not fit.
    pub take: usize,
    /// What the level is without it.
    pub level: f64,
    /// When there will be room; `None` where there never will.
    pub wait: Option<Duration>,
}

/// All levels of a database. Clones are the same.
#[derive(Debug, Clone)]
pub struct Meters {
    sheet: Arc<Sheet>,
    teller: Option<Teller>,
}

impl Meters {
    /// Levels that this process alone knows, for as long as it runs.
    #[must_use]
    pub fn local() -> Self {
        Self { sheet: Arc::default(), teller: None }
    }

    /// The levels of a database, told to it on the current runtime until `closing`.
    pub(crate) fn open(bank: Arc<dyn Bank>, closing: CancellationToken) -> Self {
        let sheet = Arc::new(Sheet::default());
        let teller = Teller::start(bank, Arc::clone(&sheet), closing);
        Self { sheet, teller: Some(teller) }
    }

    /// Adds all amounts, or none where one does not fit.
    ///
    /// # Errors
    /// The first that does not fit.
    pub async fn take(&self, takes: Vec<Take>) -> Result<(), Full> {
        match &self.teller {
            Some(teller) => teller.take(takes).await,
            None => self.sheet.take(&takes, Timestamp::now()).map(drop),
        }
    }

    /// Adds amounts whatever the levels come to; less than nothing gives back.
    pub fn add(&self, amounts: impl IntoIterator<Item = (Meter, f64)>) {
        self.sheet.add(amounts, Timestamp::now());
        if let Some(teller) = &self.teller {
            teller.tell();
        }
    }

    /// A level, as far as this process knows.
    #[must_use]
    pub fn level(&self, meter: &Meter) -> f64 {
        self.sheet.level(meter, Timestamp::now())
    }

    /// Waits until the database was told everything. One that does not answer is not waited for.
    pub async fn told(&self) {
        if let Some(teller) = &self.teller {
            teller.told().await;
        }
    }
}

#[cfg(test)]
mod tests;
