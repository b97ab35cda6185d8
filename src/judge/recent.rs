//! The figures of the last days, computed now and then.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::figures::{Figures, figures};
use crate::database::Database;

/// Figures that are a minute old at most, however often they are asked for.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Option<(Instant, Arc<Figures>)>>);

/// How long figures hold.
const FRESH: Duration = Duration::from_secs(60);

/// The days that they speak of.
const WINDOW: Duration = Duration::from_secs(7 * 86_400);

impl Recent {
    /// The figures; `None` without a database, or where it cannot be read.
    pub async fn figures(&self, database: Option<Database>) -> Option<Arc<Figures>> {
        let database = database?;
        let mut known = self.0.lock().await;
        if let Some((at, figures)) = &*known
            && at.elapsed() < FRESH
        {
            return Some(Arc::clone(figures));
        }
        match figures(&database, Timestamp::now().checked_sub(WINDOW).ok()).await {
            Ok(figures) => {
                let figures = Arc::new(figures);
                *known = Some((Instant::now(), Arc::clone(&figures)));
                Some(figures)
            }
            Err(error) => {
                tracing::warn!(%error, "the figures of judging cannot be told");
                None
            }
        }
    }
}
