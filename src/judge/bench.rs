//! All that judging takes: the judge, the tiers to compare with, prompts, and the money.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::flips::Flips;
use super::prompt::{Prompt, Use};
use super::purse::{Allowance, Purse};
use crate::cascade::schemas::Schemas;
use crate::config::{Config, JudgeConfig, RouteJudge};
use crate::database::Database;
use crate::decisions::DecisionStore;
use crate::upstream::Tier;

/// One serves all jobs of a process.
pub struct Bench {
    pub(super) config: JudgeConfig,
    /// The model that judges.
    pub(super) judge: Option<Tier>,
    /// Cheap → frontier.
    pub(super) tiers: Vec<Tier>,
    pub(super) routes: IndexMap<String, Route>,
    pub(super) default: Route,
    pub(super) store: Arc<dyn DecisionStore>,
    pub(super) database: Database,
    pub(super) schemas: Schemas,
    pub(super) purse: Purse,
    pub(super) flips: Flips,
    /// Held while a job is taken and weighed against the cap: two hands that take one each would both find no room.
    pub(super) admission: Mutex<()>,
    /// When the next call may be made.
    next: Mutex<Instant>,
}

/// How the answers of a route are judged.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) rules: RouteJudge,
    pub(super) pairwise: Prompt,
    pub(super) rubric: Prompt,
}

impl Bench {
    /// Makes ready to judge; `None` where nobody is to judge anything, or the log has no database.
    ///
    /// # Errors
    /// When a prompt or the judge's key cannot be read; the message says which.
    pub fn open(config: &Config, tiers: Vec<Tier>, store: Arc<dyn DecisionStore>) -> Result<Option<Self>, String> {
        let judge = &config.judge;
        let model = judge.tier.clone().map(|tier| Tier::open(tier, &config.upstreams)).transpose()?;
        let default = Route::open(judge, config.routes.get("default").map(|route| &route.judge))?;
        let routes =
            config.routes.iter().map(|(name, route)| Ok((name.clone(), Route::open(judge, Some(&route.judge))?)));
        let routes = routes.collect::<Result<IndexMap<_, _>, String>>()?;
        let someone = model.is_some() || routes.values().any(|route| route.rules.is_checked());
        let Some(database) = store.database().filter(|_| someone) else { return Ok(None) };
        Ok(Some(Self {
            purse: Purse::new(judge, database.clone()),
            flips: Flips::new(judge, database.clone()),
            config: judge.clone(),
            judge: model,
            tiers,
            routes,
            default,
            store,
            database,
            schemas: Schemas::default(),
            admission: Mutex::default(),
            next: Mutex::new(Instant::now()),
        }))
    }

    /// The same with an allowance in place of `judge.max_spend_share`.
    #[must_use]
    pub fn with(self, allowance: Allowance) -> Self {
        let purse = Purse::of(allowance, &self.config, self.database.clone());
        Self { purse, ..self }
    }

    /// Whether all that the configuration says of judging can be had.
    ///
    /// # Errors
    /// As for [`Bench::open`].
    pub fn check(config: &Config) -> Result<(), String> {
        let judge = &config.judge;
        judge.tier.clone().map(|tier| Tier::open(tier, &config.upstreams)).transpose()?;
        Route::open(judge, None)?;
        config.routes.values().try_for_each(|route| Route::open(judge, Some(&route.judge)).map(drop))
    }

    pub(super) fn route(&self, name: Option<&str>) -> &Route {
        name.and_then(|name| self.routes.get(name)).unwrap_or(&self.default)
    }

    /// The tier that answers are compared with.
    pub(super) fn frontier(&self) -> Option<&Tier> {
        self.tiers.last()
    }

    /// Waits until a call may be made.
    pub(super) async fn turn(&self) {
        let mut next = self.next.lock().await;
        let turn = (*next).max(Instant::now());
        *next = turn + Duration::from_secs(60) / self.config.requests_per_minute.max(1);
        drop(next);
        sleep_until(turn).await;
    }
}

impl Route {
    fn open(judge: &JudgeConfig, rules: Option<&RouteJudge>) -> Result<Self, String> {
        let rules = rules.cloned().unwrap_or_default();
        let prompt = |usage, own: &Option<std::path::PathBuf>, common: &Option<std::path::PathBuf>| {
            Prompt::load(usage, own.as_ref().or(common.as_ref()).map(|path| -> &Path { path }))
        };
        let pairwise = prompt(Use::Pairwise, &rules.pairwise_prompt, &judge.pairwise_prompt)?;
        let rubric = prompt(Use::Rubric, &rules.rubric_prompt, &judge.rubric_prompt)?;
        Ok(Self { rules, pairwise, rubric })
    }
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("judge", &self.judge).field("tiers", &self.tiers).finish_non_exhaustive()
    }
}
