//! Which models there are, which of them serves, and how it came to that (`docs/retrain.md`).
//!
//! Models live in the database of the decision log, whole, so that every router that shares it has them; a folder beside each
//! router keeps copies. A change of state is one transaction, and the schema allows one champion: whatever dies half-way, the
//! champion is the one before or the one after.

mod changes;
mod entry;
mod files;
pub mod follow;
mod statements;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use changes::Changes;
pub use entry::{Attempt, Change, Entry, Lineage, Origin, Outcome, State};

use crate::database::{Database, Statement};
use crate::decisions::StoreError;
use crate::difficulty::{Artifact, ArtifactError};
use files::Files;

/// The models of a database. Clones are of the same.
#[derive(Debug, Clone)]
pub struct Registry {
    database: Database,
    files: Files,
}

/// Why a model cannot be had or changed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such model.
    #[error("there is no model `{0}` in the registry: `rungs models list` names those that there are")]
    Unknown(String),
    /// It is too old to be kept.
    #[error("the model `{0}` is too old to be kept: only its entry is left")]
    Gone(String),
    /// It serves already.
    #[error("the model `{0}` is the champion already")]
    Champion(String),
    /// There is nothing to go back to.
    #[error("there is no model before `{0}` to go back to")]
    First(String),
    /// Nothing was ever promoted.
    #[error("the registry has no champion: the configuration's model serves, and there is nothing to go back to")]
    Empty,
    /// The model's own file is refused.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A copy cannot be written.
    #[error("{place}: {source}")]
    File {
        /// The folder.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Retired models that are kept whole.
const KEPT: i64 = 5;

impl Registry {
    /// The registry of a database; copies of models are kept under `data_dir/models`.
    #[must_use]
    pub fn open(database: Database, data_dir: &Path) -> Self {
        Self { database, files: Files::under(data_dir) }
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// All models, the last changed first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self) -> Result<Vec<Entry>, StoreError> {
        let rows = self.database.read(statements::entries(" ORDER BY changed_at DESC, version")).await?;
        rows.iter().map(Entry::read).collect()
    }

    /// One model.
    ///
    /// # Errors
    /// When the database cannot be read or has no such model.
    pub async fn find(&self, version: &str) -> Result<Entry, RegistryError> {
        let rows = self.database.read(statements::entries(" WHERE version = ?").bind(version)).await?;
        let row = rows.first().ok_or_else(|| RegistryError::Unknown(version.to_owned()))?;
        Ok(Entry::read(row)?)
    }

    /// The model in a state that only one may be in.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn in_state(&self, state: State) -> Result<Option<String>, StoreError> {
        let select = Statement::new("SELECT version FROM models WHERE state = ?").bind(state.name());
        self.database.read(select).await?.first().map(|row| row.text(0)).transpose()
    }

    /// The model itself, from the copy on this machine or from the database.
    ///
    /// # Errors
    /// When there is none, it is no longer kept, it is damaged, or a copy of it cannot be written.
    pub async fn load(&self, version: &str) -> Result<Artifact, RegistryError> {
        if let Some(artifact) = self.files.read(version) {
            return Ok(artifact);
        }
        let select = Statement::new("SELECT artifact FROM models WHERE version = ?").bind(version);
        let rows = self.database.read(select).await?;
        let row = rows.first().ok_or_else(|| RegistryError::Unknown(version.to_owned()))?;
        let text = row.maybe_text(0)?.ok_or_else(|| RegistryError::Gone(version.to_owned()))?;
        let artifact = Artifact::from_bytes(text.as_bytes(), &format!("{version} of the registry"))?;
        self.files.write(version, &artifact)?;
        Ok(artifact)
    }

    /// The folder of the copy on this machine, which [`Registry::load`] makes.
    #[must_use]
    pub fn folder(&self, version: &str) -> PathBuf {
        self.files.folder(version)
    }

    /// Adds a model as a challenger; one that is there already changes nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn add(&self, artifact: &Artifact, origin: Origin, parent: Option<&str>) -> Result<(), RegistryError> {
        let entry = Entry::new(artifact, State::Challenger, origin, parent);
        let insert = statements::insert(&entry, artifact, None)?;
        let told = statements::change(&entry.version, State::Challenger, origin.name(), "added");
        Ok(self.database.transaction(vec![insert, told]).await.map(drop)?)
    }

    /// Makes the model that serves by the configuration the champion, where nothing was promoted yet: what is promoted next
    /// has something to be held against, and a rollback somewhere to go.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn adopt(&self, artifact: &Artifact) -> Result<(), RegistryError> {
        if self.in_state(State::Champion).await?.is_some() {
            return Ok(());
        }
        let entry = Entry::new(artifact, State::Champion, Origin::Configured, None);
        let insert = statements::insert(&entry, artifact, None)?;
        let set = statements::set(&entry.version, State::Champion);
        let told = statements::change(&entry.version, State::Champion, "configuration", "it was serving");
        Ok(self.database.transaction(vec![insert, set, told]).await.map(drop)?)
    }

    /// Makes a model the champion, whatever it was; the one before is retired.
    ///
    /// # Errors
    /// When there is no such model, it is no longer kept, it is the champion already, or somebody else changes the registry
    /// at the same time.
    pub async fn promote(&self, version: &str, who: &str, reason: &str) -> Result<(), RegistryError> {
        let entry = self.find(version).await?;
        match (entry.state, entry.is_kept) {
            (State::Champion, _) => return Err(RegistryError::Champion(version.to_owned())),
            (_, false) => return Err(RegistryError::Gone(version.to_owned())),
            _ => {}
        }
        let before = self.in_state(State::Champion).await?;
        let promotion = statements::promotion(version, before.as_deref(), who, reason);
        Ok(self.transact(promotion).await?)
    }

    /// Makes the model that the champion replaced the champion again.
    ///
    /// # Errors
    /// When nothing was promoted, there is nothing before it, or it is no longer kept.
    pub async fn rollback(&self, who: &str, reason: &str) -> Result<String, RegistryError> {
        let champion = self.in_state(State::Champion).await?.ok_or(RegistryError::Empty)?;
        let entry = self.find(&champion).await?;
        let previous = entry.previous.ok_or_else(|| RegistryError::First(champion.clone()))?;
        if !self.find(&previous).await?.is_kept {
            return Err(RegistryError::Gone(previous));
        }
        self.transact(statements::rollback(&previous, &champion, who, reason)).await?;
        Ok(previous)
    }

    /// Brings a model into another state than champion.
    ///
    /// # Errors
    /// When there is no such model, or another one is in that state.
    pub async fn set(&self, version: &str, state: State, who: &str, reason: &str) -> Result<(), RegistryError> {
        self.find(version).await?;
        let change = statements::change(version, state, who, reason);
        Ok(self.transact(vec![statements::set(version, state), change]).await?)
    }

    /// What became of a model, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn changes_of(&self, version: &str) -> Result<Vec<Change>, StoreError> {
        let select = "SELECT at, state, who, reason FROM model_changes WHERE version = ? ORDER BY id";
        let rows = self.database.read(Statement::new(select).bind(version)).await?;
        rows.iter().map(Change::read).collect()
    }

    /// When a model came into the state that it is in now.
    ///
    /// # Errors
    /// When the database cannot be read or has no such model.
    pub async fn since(&self, version: &str) -> Result<Timestamp, RegistryError> {
        Ok(self.find(version).await?.changed_at)
    }

    /// Attempts against a champion so far that spent some of its error probability.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn attempts(&self, champion: &str) -> Result<u32, StoreError> {
        let select = Statement::new("SELECT COUNT(*) FROM retrain_attempts WHERE champion = ? AND outcome IN (");
        let select = select.bind(champion).list(Outcome::GATED.map(Outcome::name)).and(")");
        let count = self.database.read(select).await?.first().map_or(Ok(0), |row| row.int(0))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// When the last attempt was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn last_attempt(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.database.read(Statement::new("SELECT MAX(at) FROM retrain_attempts")).await?;
        let at = rows.first().map_or(Ok(None), |row| row.maybe_int(0))?;
        Ok(at.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }

    /// Writes an attempt down with what follows from it, in one transaction: the challenger, in the state that the attempt
    /// brings it into, and the alert. Whatever was on trial no longer is.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else has changed the registry meanwhile.
    pub async fn conclude(
        &self,
        attempt: &Attempt,
        origin: Origin,
        challenger: Option<(&Artifact, State)>,
        alert: Option<Statement>,
    ) -> Result<(), RegistryError> {
        let mut statements = Vec::new();
        if let Some((artifact, state)) = challenger {
            let entry = Entry::new(artifact, State::Challenger, origin, Some(&attempt.champion));
            statements.push(statements::insert(&entry, artifact, Some(&attempt.report))?);
            if matches!(state, State::Champion | State::Shadow) {
                statements.push(statements::end_trials());
            }
            statements.extend(match state {
                State::Champion => {
                    statements::promotion(&entry.version, Some(&attempt.champion), origin.name(), &attempt.reason)
                }
                state => vec![
                    statements::set(&entry.version, state),
                    statements::change(&entry.version, state, origin.name(), &attempt.reason),
                ],
            });
        }
        statements.push(statements::attempt(attempt));
        statements.extend(alert);
        Ok(self.transact(statements).await?)
    }

    /// Lets go of all but the last retired models; their entries stay.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn prune(&self) -> Result<(), StoreError> {
        self.database.execute(statements::prune(KEPT)).await.map(drop)
    }

    /// Runs statements that change which models serve, and tells the other routers.
    async fn transact(&self, mut statements: Vec<Statement>) -> Result<(), StoreError> {
        if self.database.is_postgres() {
            statements.push(changes::told());
        }
        self.database.transaction(statements).await.map(drop)
    }
}
