//! What can be called from here: providers whose key is in the environment, and servers on this machine.

use std::time::Duration;

use serde::Deserialize;

use super::{Catalogue, Model, Provider};
use crate::client::client;

/// A model that can be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Who serves it.
    pub provider: Provider,
    /// Its name there.
    pub model: String,
    /// What the table knows of it; nothing of a local one.
    pub known: Option<Model>,
}

/// How long a server on this machine may take to say what it serves.
const PATIENCE: Duration = Duration::from_millis(700);

/// What `GET /v1/models` answers.
#[derive(Deserialize)]
struct Listing {
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

impl Candidate {
    /// `PROVIDER/MODEL`: what a person calls it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }
}

/// All that can be called: local models first, then those of the providers whose key `has_key` finds, as the table has them.
/// Nobody but servers on this machine is asked.
pub async fn find(catalogue: &Catalogue, has_key: impl Fn(&str) -> bool) -> Vec<Candidate> {
    let mut found = Vec::new();
    for provider in catalogue.providers.iter().filter(|provider| provider.local) {
        let models = served(&provider.base_url).await;
        found.extend(models.into_iter().map(|model| Candidate { provider: provider.clone(), model, known: None }));
    }
    for provider in &catalogue.providers {
        if !provider.key_env.as_deref().is_some_and(&has_key) {
            continue;
        }
        let models = catalogue.models.iter().filter(|model| model.provider == provider.name);
        found.extend(models.map(|model| Candidate {
            provider: provider.clone(),
            model: model.model.clone(),
            known: Some(model.clone()),
        }));
    }
    found
}

/// The models of a server; none where nothing listens, or something else does.
async fn served(base_url: &str) -> Vec<String> {
    let listing = async {
        let client = client().timeout(PATIENCE).no_proxy().build().ok()?;
        client.get(format!("{base_url}/models")).send().await.ok()?.json::<Listing>().await.ok()
    };
    listing.await.map_or_else(Vec::new, |listing| listing.data.into_iter().map(|model| model.id).collect())
}
