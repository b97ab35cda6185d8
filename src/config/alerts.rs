use std::collections::HashSet;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::in_range;
use crate::alert::event::NAMES;

/// Who is told of alerts, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// Seconds that a thing has to be so before it is an alert.
    pub pending_s: f64,
    /// Labels that alerts are told together by.
    pub group_by: Vec<String>,
    /// Seconds that are waited for more of a group.
    pub group_s: f64,
    /// Seconds until an alert that nobody has acknowledged is told again.
    pub repeat_s: f64,
    /// Seconds after its end in which an alert that comes again is not told again.
    pub cool_down_s: f64,
    /// Pauses before each attempt of a delivery, in seconds.
    pub retry_s: Vec<f64>,
    /// Seconds that an attempt may take.
    pub timeout_s: f64,
    /// Days that alerts which are over, and deliveries that were made, are kept.
    pub keep_days: f64,
    /// Where people find this router: a part of what is told.
    pub public_url: Option<String>,
    /// Who is told.
    pub receivers: Vec<ReceiverConfig>,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverConfig {
    /// What logs and commands call it.
    pub name: String,
    /// What it understands.
    #[serde(default)]
    pub kind: ReceiverKind,
    /// Where it is; a URL that is a secret itself, as Slack's, is named by `url_env`.
    #[serde(default)]
    pub url: Option<String>,
    /// An environment variable that holds the address.
    #[serde(default)]
    pub url_env: Option<String>,
    /// Environment variables that hold `whsec_…` secrets; every one signs, so that a new one can be told before an old one goes.
    #[serde(default)]
    pub secret_env: Vec<String>,
    /// Files that hold one each.
    #[serde(default)]
    pub secret_file: Vec<PathBuf>,
    /// An environment variable with PagerDuty's routing key, or with the bearer token of another receiver.
    #[serde(default)]
    pub token_env: Option<String>,
    /// Only alerts of these names; empty for all.
    #[serde(default)]
    pub only: Vec<String>,
    /// Whether it may be at an address of this machine or of a private network.
    #[serde(default)]
    pub allow_private: bool,
}

/// What a receiver understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverKind {
    /// Standard Webhooks, with the body that Alertmanager sends (version 4).
    #[default]
    Webhook,
    /// Prometheus Alertmanager itself: its API, `/api/v2/alerts`.
    Alertmanager,
    /// A Slack incoming webhook.
    Slack,
    /// PagerDuty's Events API v2.
    Pagerduty,
}

/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            pending_s: 0.0,
            group_by: vec!["alertname".to_owned()],
            group_s: 30.0,
            repeat_s: 4.0 * 3_600.0,
            cool_down_s: 3_600.0,
            retry_s: vec![0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0],
            timeout_s: 15.0,
            keep_days: 90.0,
            public_url: None,
            receivers: Vec::new(),
        }
    }
}

impl AlertsConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        for (key, value, low, high) in [
            ("pending_s", self.pending_s, 0.0, 86_400.0),
            ("group_s", self.group_s, 0.0, 86_400.0),
            ("repeat_s", self.repeat_s, 1.0, 1e8),
            ("cool_down_s", self.cool_down_s, 0.0, 1e8),
            ("timeout_s", self.timeout_s, 0.1, 60.0),
            ("keep_days", self.keep_days, 1e-3, 36_500.0),
        ] {
            in_range(&format!("alerts.{key}"), value, low, high)?;
        }
        if self.retry_s.is_empty() {
            return Err("alerts.retry_s: at least one attempt has to be made: [0.0]".to_owned());
        }
        self.retry_s.iter().try_for_each(|pause| in_range("alerts.retry_s", *pause, 0.0, 1e7))?;
        let mut names = HashSet::new();
        for receiver in &self.receivers {
            if receiver.name.is_empty() || !names.insert(&receiver.name) {
                return Err(format!("alerts.receivers: the name `{}` is empty or given twice", receiver.name));
            }
            receiver.check()?;
        }
        Ok(())
    }
}

impl ReceiverConfig {
    fn check(&self) -> Result<(), String> {
        let fail = |text: &str| Err(format!("alerts.receivers.{}: {text}", self.name));
        match (&self.url, &self.url_env) {
            (Some(_), Some(_)) => return fail("give url or url_env, not both"),
            (None, None) if self.kind != ReceiverKind::Pagerduty => return fail("url or url_env is missing"),
            (Some(url), None) => {
                is_http(url).map_err(|error| format!("alerts.receivers.{}.url: {error}", self.name))?
            }
            _ => {}
        }
        if self.kind == ReceiverKind::Webhook && self.secret_env.is_empty() && self.secret_file.is_empty() {
            return fail("secret_env or secret_file is missing; `rungs alerts new-secret` makes a secret");
        }
        if self.kind == ReceiverKind::Pagerduty && self.token_env.is_none() {
            return fail("token_env has to name the variable with the routing key");
        }
        if let Some(unknown) = self.only.iter().find(|name| !NAMES.contains(&name.as_str())) {
            return fail(&format!("only: there is no alert `{unknown}`; there are {}", NAMES.join(", ")));
        }
        Ok(())
    }

    /// Where it is.
    ///
    /// # Errors
    /// When the named variable is not set or holds no address.
    pub fn address(&self) -> Result<SecretString, String> {
        let fail = |error: &dyn std::fmt::Display| format!("alerts.receivers.{}: {error}", self.name);
        let url = match (&self.url, &self.url_env) {
            (Some(url), _) => url.clone(),
            (None, Some(name)) => variable(name).map_err(|error| fail(&error))?,
            (None, None) => PAGERDUTY.to_owned(),
        };
        is_http(&url).map_err(|error| fail(&error))?;
        Ok(url.into())
    }

    /// The secrets that sign, each of which can be used.
    ///
    /// # Errors
    /// When one cannot be read or is none.
    pub fn secrets(&self) -> Result<Vec<SecretString>, String> {
        let fail = |from: &dyn std::fmt::Display, error: &dyn std::fmt::Display| {
            format!("alerts.receivers.{}: {from}: {error}", self.name)
        };
        let mut secrets = Vec::new();
        for name in &self.secret_env {
            secrets.push((name.clone(), variable(name).map_err(|error| fail(name, &error))?));
        }
        for path in &self.secret_file {
            let text = std::fs::read_to_string(path).map_err(|error| fail(&path.display(), &error))?;
            secrets.push((path.display().to_string(), text.trim().to_owned()));
        }
        let usable = |(from, secret): (String, String)| {
            let is_long = secret.strip_prefix("whsec_").is_some_and(|secret| secret.len() >= 32);
            let good = is_long && standardwebhooks::Webhook::new(&secret).is_ok();
            if good { Ok(secret.into()) } else { Err(fail(&from, &"must be whsec_ and 24 bytes or more in base64")) }
        };
        secrets.into_iter().map(usable).collect()
    }

    /// The routing key or bearer token, where one is named.
    ///
    /// # Errors
    /// When the variable is not set.
    pub fn token(&self) -> Result<Option<SecretString>, String> {
        let Some(name) = &self.token_env else { return Ok(None) };
        variable(name)
            .map(|token| Some(token.into()))
            .map_err(|error| format!("alerts.receivers.{}: {error}", self.name))
    }
}

fn variable(name: &str) -> Result<String, String> {
    let text = std::env::var(name).map_err(|error| format!("the variable {name}: {error}"))?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or_else(|| format!("the variable {name} is empty"))
}

/// Whether a text is an address that can be posted to; the text itself may be a secret.
fn is_http(url: &str) -> Result<(), String> {
    let parsed = url.parse::<reqwest::Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.map(drop).ok_or_else(|| "is not an address such as https://example.com/hook".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(toml: &str) -> Result<AlertsConfig, String> {
        let config: AlertsConfig = toml::from_str(toml).map_err(|error| error.to_string())?;
        config.check().map(|()| config)
    }

    #[test]
    fn receivers_need_what_their_kind_needs() {
        let with = |more: &str| parse(&format!("[[receivers]]\nname = 'a'\n{more}"));
        assert!(with("url = 'https://h/x'\nsecret_env = ['S']").is_ok());
        assert!(with("url = 'https://h/x'").unwrap_err().contains("secret_env"));
        assert!(with("secret_env = ['S']").unwrap_err().contains("url"));
        assert!(with("url = 'ftp://h'\nsecret_env = ['S']").unwrap_err().contains("https://"));
        assert!(with("kind = 'slack'\nurl_env = 'SLACK'").is_ok());
        assert!(with("kind = 'pagerduty'").unwrap_err().contains("token_env"));
        assert!(with("kind = 'pagerduty'\ntoken_env = 'K'\nonly = ['Drift']").unwrap_err().contains("QualityDrift"));
        assert!(parse("retry_s = []").is_err() && parse("group_by = 3").is_err());
    }

    #[test]
    fn secrets_are_read_from_files_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let receiver = |secret_file| ReceiverConfig { secret_file, ..minimal() };
        let good = file("good", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n");
        assert_eq!(receiver(vec![good]).secrets().unwrap().len(), 1);
        let error = receiver(vec![file("bad", "hunter2")]).secrets().unwrap_err();
        assert!(error.contains("whsec_") && !error.contains("hunter2"), "{error}");
    }

    fn minimal() -> ReceiverConfig {
        toml::from_str("name = 'a'\nurl = 'https://h/x'").unwrap()
    }
}
