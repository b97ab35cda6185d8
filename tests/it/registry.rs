//! The registry of models, and models that are exchanged while requests are under way.

mod swap;

use std::path::Path;
use std::sync::Arc;

use rungs::config::LogConfig;
use rungs::decisions::{DecisionStore, open};
use rungs::registry::{Origin, Registry, RegistryError, State};

use crate::support::command::{json_of, refusal, said, text};
use crate::support::postgres::with_database;
use crate::support::serving::{baseline, shifted};

async fn opened(config: &LogConfig, folder: &Path) -> (Arc<dyn DecisionStore>, Registry) {
    let store = open(config, folder).await.unwrap();
    let registry = Registry::open(store.database().unwrap(), folder);
    (store, registry)
}

/// Versions with their states, the last changed first.
async fn states(registry: &Registry) -> Vec<(String, State)> {
    registry.list().await.unwrap().into_iter().map(|entry| (entry.version, entry.state)).collect()
}

async fn goes_forth_and_back(config: &LogConfig) {
    let folder = tempfile::tempdir().unwrap();
    let (store, registry) = opened(config, folder.path()).await;
    let [old, new, newest] = [shifted(0.0), shifted(0.1), shifted(0.2)];
    let versions = [&old, &new, &newest].map(|artifact| artifact.version());
    assert!(matches!(registry.rollback("t", "t").await, Err(RegistryError::Empty)));
    registry.adopt(&old).await.unwrap();
    registry.adopt(&new).await.unwrap();
    assert_eq!(states(&registry).await, [(versions[0].clone(), State::Champion)]);
    assert!(matches!(registry.rollback("t", "t").await, Err(RegistryError::First(_))));
    assert!(matches!(registry.promote("nothing", "t", "t").await, Err(RegistryError::Unknown(_))));

    for artifact in [&new, &newest] {
        registry.add(artifact, Origin::Added, Some(&versions[0])).await.unwrap();
        registry.promote(&artifact.version(), "t", "better").await.unwrap();
    }
    assert!(matches!(registry.promote(&versions[2], "t", "t").await, Err(RegistryError::Champion(_))));
    let champion = registry.find(&versions[2]).await.unwrap();
    assert_eq!((champion.state, champion.previous.as_ref()), (State::Champion, Some(&versions[1])));
    // Back along the line, not to and fro.
    assert_eq!(registry.rollback("t", "alarm").await.unwrap(), versions[1]);
    assert_eq!(registry.rollback("t", "alarm").await.unwrap(), versions[0]);
    assert!(matches!(registry.rollback("t", "t").await, Err(RegistryError::First(_))));
    assert_eq!(registry.in_state(State::Champion).await.unwrap(), Some(versions[0].clone()));
    let changes = registry.changes_of(&versions[1]).await.unwrap();
    let told: Vec<State> = changes.iter().map(|change| change.state).collect();
    assert_eq!(told, [State::Challenger, State::Champion, State::Retired, State::Champion, State::Retired]);
    assert!(changes[4].reason.contains(&versions[0]) && changes[4].reason.contains("alarm"), "{changes:?}");

    // Another machine has the model by the database alone; what it keeps is what it is asked for by name.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Registry::open(store.database().unwrap(), elsewhere.path());
    assert_eq!(other.load(&versions[2]).await.unwrap(), newest);
    std::fs::write(elsewhere.path().join("models").join(&versions[2]).join("model.json"), "torn").unwrap();
    assert_eq!(other.load(&versions[2]).await.unwrap(), newest);
    store.close().await.unwrap();
}

async fn keeps_the_last_ones(config: &LogConfig) {
    let folder = tempfile::tempdir().unwrap();
    let (store, registry) = opened(config, folder.path()).await;
    registry.adopt(&shifted(0.0)).await.unwrap();
    let mut versions = Vec::new();
    for i in 1..9 {
        let artifact = shifted(f64::from(i));
        registry.add(&artifact, Origin::Added, None).await.unwrap();
        registry.promote(&artifact.version(), "t", "t").await.unwrap();
        versions.push(artifact.version());
    }
    registry.prune().await.unwrap();
    let kept: Vec<bool> = registry.list().await.unwrap().iter().map(|entry| entry.is_kept).collect();
    assert_eq!(kept, [true, true, true, true, true, true, false, false, false]);
    assert!(matches!(registry.promote(&versions[0], "t", "t").await, Err(RegistryError::Gone(_))));
    assert_eq!(registry.rollback("t", "t").await.unwrap(), versions[6]);
    store.close().await.unwrap();
}

/// Two who promote at once: one of them does, or both do one after the other; there is one champion at any time.
async fn has_one_champion_whoever_promotes(config: &LogConfig) {
    let folder = tempfile::tempdir().unwrap();
    let (store, registry) = opened(config, folder.path()).await;
    let (another_store, another) = opened(config, folder.path()).await;
    registry.adopt(&shifted(0.0)).await.unwrap();
    let models = [shifted(0.1), shifted(0.2)];
    for model in &models {
        registry.add(model, Origin::Added, None).await.unwrap();
    }
    let [a, b] = models.map(|model| model.version());
    for _ in 0..20 {
        let (first, second) = tokio::join!(registry.promote(&a, "t", "t"), another.promote(&b, "t", "t"));
        assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
        let champions = states(&registry).await.into_iter().filter(|(_, state)| *state == State::Champion).count();
        assert_eq!(champions, 1);
    }
    store.close().await.unwrap();
    another_store.close().await.unwrap();
}

#[tokio::test]
async fn sqlite_holds_a_registry() {
    let folder = tempfile::tempdir().unwrap();
    for (i, test) in [0, 1, 2].into_iter().enumerate() {
        let url = format!("sqlite://{}/{i}.db", folder.path().display());
        let config = LogConfig { url: Some(url.into()), ..LogConfig::default() };
        match test {
            0 => goes_forth_and_back(&config).await,
            1 => keeps_the_last_ones(&config).await,
            _ => has_one_champion_whoever_promotes(&config).await,
        }
    }
}

#[tokio::test]
async fn postgres_holds_a_registry() {
    with_database(|config| async move { goes_forth_and_back(&config).await }).await;
    with_database(|config| async move { keeps_the_last_ones(&config).await }).await;
    with_database(|config| async move { has_one_champion_whoever_promotes(&config).await }).await;
}

#[test]
fn the_registry_is_read_and_changed_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("rungs.toml");
    std::fs::write(&config, format!("data_dir = \"{}\"\n", folder.path().display())).unwrap();
    let mine = folder.path().join("mine");
    shifted(0.5).save(&mine).unwrap();
    let models = |what: &[&str]| -> Vec<String> {
        let with = ["--config", text(&config)];
        ["models"].iter().chain(what).chain(&with).map(|word| (*word).to_owned()).collect()
    };
    let run = |what: &[&str]| said(&models(what).iter().map(String::as_str).collect::<Vec<_>>()).0;
    let (old, new) = (baseline().version(), shifted(0.5).version());
    assert!(run(&["list"]).contains(&format!("{old}  champion    serves by the configuration")));
    assert!(run(&["add", text(&mine)]).starts_with(&format!("{new}  challenger")));
    assert_eq!(run(&["promote", &new[..6]]), format!("{new} is the champion\n"));
    let shown = run(&["show", &new, "--out", text(&folder.path().join("out"))]);
    assert!(shown.contains("replaced") && shown.contains(&old) && shown.contains("asked for by"), "{shown}");
    assert_eq!(rungs::difficulty::Artifact::load(&folder.path().join("out")).unwrap(), shifted(0.5));
    let arguments = models(&["rollback", "--json"]);
    let back = json_of(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(back["champion"], old);
    for (wrong, because) in [(["promote", "zz"], "there is no model `zz`"), (["rollback", "--json"], "go back to")] {
        let arguments = models(&wrong);
        let (code, error) = refusal(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(code == 2 && error.contains(because), "{code} {error}");
    }
}
