//! What alarms do: the certificate is void while one stands, and requests may be routed more carefully.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::alert::{Alert, Scope, Status};
use crate::database::{Database, Statement};
use crate::decisions::StoreError;

/// The alarms that stand, as this router last read them. Clones see the same.
#[derive(Debug, Clone, Default)]
pub struct Alarms(Arc<RwLock<Vec<Alarm>>>);

/// An alarm that takes certificates away.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// The alert's id.
    pub alert: String,
    /// Its name.
    pub alertname: String,
    /// Which requests it speaks of.
    pub scope: Scope,
    /// Since when.
    pub since: Timestamp,
    /// What is the matter.
    pub summary: String,
    /// The artifact that was in force; `None` where none was.
    pub model_version: Option<String>,
    /// Whether it is still so. What is over takes the certificate away until somebody has acknowledged it.
    pub stands: bool,
}

/// From one look at the alerts to the next.
const PERIOD: Duration = Duration::from_secs(2);

impl Alarms {
    /// Those that speak of an artifact.
    #[must_use]
    pub fn about(&self, model_version: &str) -> Vec<Alarm> {
        let is_about = |alarm: &&Alarm| alarm.model_version.as_deref().is_none_or(|version| version == model_version);
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().filter(is_about).cloned().collect()
    }

    /// Whether one stands that speaks of the requests of this route and tenant, whichever tier serves them.
    #[must_use]
    pub fn stand(&self, model_version: &str, route: Option<&str>, tenant: Option<&str>) -> bool {
        let speaks = |alarm: &Alarm| {
            let scope = Scope { tier: None, ..alarm.scope.clone() };
            alarm.stands && scope.covers(route, tenant, None)
        };
        self.about(model_version).iter().any(speaks)
    }

    /// Reads the alerts.
    ///
    /// # Errors
    /// When the database cannot be read; what was known stays.
    pub async fn refresh(&self, database: &Database) -> Result<(), StoreError> {
        let alarms = read(database).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = alarms;
        Ok(())
    }

    /// Knows what the other one knows.
    pub fn take_over(&self, other: &Self) {
        let alarms = other.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = alarms;
    }
}

/// The alarms that stand, or are over and have not been acknowledged, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn read(database: &Database) -> Result<Vec<Alarm>, StoreError> {
    // The newest of them are enough: an older one has been seen to, or its artifact is long gone.
    let text = "SELECT alert FROM alerts WHERE status IN ('firing', 'resolved') ORDER BY id DESC LIMIT 500";
    let mut alarms = Vec::new();
    for row in database.read(Statement::new(text)).await? {
        // One that a newer version wrote and this one does not understand is left out.
        let alert = serde_json::from_str::<Alert>(&row.text(0)?).ok();
        alarms.extend(alert.filter(Alarm::counts).map(Alarm::of));
    }
    Ok(alarms)
}

/// Reads the alerts every two seconds until the token is cancelled, for whichever router is in force.
pub fn follow(database: Database, alarms: impl Fn() -> Alarms + Send + 'static, stop: CancellationToken) {
    tokio::spawn(async move {
        while timeout(PERIOD, stop.cancelled()).await.is_err() {
            if let Err(error) = alarms().refresh(&database).await {
                tracing::debug!(%error, "the alarms cannot be read");
            }
        }
    });
}

impl Alarm {
    fn counts(alert: &Alert) -> bool {
        let counts = alert.status == Status::Firing || (alert.fired_at.is_some() && alert.acknowledged.is_none());
        alert.event.voids_certificate() && counts
    }

    fn of(alert: Alert) -> Self {
        let drift = alert.event.drift();
        Self {
            alertname: alert.event.name().to_owned(),
            scope: alert.event.scope(),
            since: alert.event.since(),
            summary: alert.event.summary(),
            model_version: drift.and_then(|drift| drift.model_version.clone()),
            stands: alert.status == Status::Firing,
            alert: alert.id,
        }
    }

    /// Why a certificate is void.
    #[must_use]
    pub fn reason(&self) -> String {
        let until = if self.stands { "" } else { "; it is over, and nobody has acknowledged it" };
        format!("{}: {} (since {:.0}){until}", self.alertname, self.summary, self.since)
    }
}
