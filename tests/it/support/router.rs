//! A router on a port of its own, with upstreams, scores and settings to order.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use rungs::chat::ChatRequest;
use rungs::config::{Config, Preset};
use rungs::decisions::{DecisionRecord, DecisionStore};
use rungs::difficulty::{Acceptability, Score};
use rungs::features::embedding::{EmbedError, Embedder, StaticTable};
use rungs::http::{App, router};
use rungs::policy::Scoring;
use rungs::upstream::Tier;
use serde_json::{Value, json};

use super::{client, serve};

/// Scores by the text: `hard` is for the frontier, `panic` panics, `unscorable` cannot be scored, all else is easy.
pub(crate) struct ByWord {
    pub(crate) has_signal: bool,
}

impl Scoring for ByWord {
    fn score(&self, request: &ChatRequest) -> Result<Score, EmbedError> {
        let text = &request.messages()[0].text;
        assert!(!text.starts_with("panic"), "as asked");
        if text.starts_with("unscorable") {
            return Err(EmbedError("as asked".to_owned()));
        }
        let cheap = if text.starts_with("hard") { 0.1 } else { 0.8 };
        let p = [("cheap-head", cheap), ("frontier-head", 0.9)];
        let p = p.into_iter().map(|(name, p)| (name.to_owned(), Acceptability::new(p))).collect();
        Ok(Score { p, score: 0.9 - cheap, novelty: None })
    }

    fn is_slow(&self) -> bool {
        false
    }

    fn version(&self) -> &str {
        "by-word"
    }

    fn threshold(&self, preset: Preset) -> f64 {
        match preset {
            Preset::Economy => 1.0,
            Preset::Balanced | Preset::Calibrated => 0.5,
            Preset::Quality => 0.0,
        }
    }

    fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        static TABLE: LazyLock<Arc<StaticTable>> = LazyLock::new(|| Arc::new(StaticTable::built_in().unwrap()));
        Some(TABLE.clone())
    }

    fn has_signal(&self) -> bool {
        self.has_signal
    }
}

/// A running router.
pub(crate) struct Router {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) store: Arc<dyn DecisionStore>,
    _folder: tempfile::TempDir,
}

/// The limits of `small`: short, so that a hanging upstream does not hold a test up.
const SHORT: &str = "connect_timeout_s = 1.0\nfirst_byte_timeout_s = 1.0\nidle_timeout_s = 1.0\ntotal_timeout_s = 2.0";

/// The limits of `large`: it is to answer even on a machine under load.
const LONG: &str = "connect_timeout_s = 5.0\nfirst_byte_timeout_s = 15.0\nidle_timeout_s = 1.0\ntotal_timeout_s = 30.0";

/// A configuration with the tiers `small` and `large` at these base URLs; `more` comes before them.
pub(crate) fn two_tiers(more: &str, small: &str, large: &str) -> String {
    two_tiers_at(1.0, more, small, large)
}

/// The same, with `large` so many times as dear as `small`.
pub(crate) fn two_tiers_at(ratio: f64, more: &str, small: &str, large: &str) -> String {
    let tier = |name: &str, url: &str, ratio: f64, more: &str| {
        let [input, output, cached] = [1.0, 2.0, 0.5].map(|price| price * ratio);
        let price = format!("price = {{ input = {input:?}, output = {output:?}, cached_input = {cached:?} }}");
        format!("[[tiers]]\nname = \"{name}\"\nmodel = \"{name}-1\"\nbase_url = \"{url}\"\n{price}\n{more}\n")
    };
    let small = tier("small", small, 1.0, &format!("{SHORT}\nlogprobs = true"));
    format!("{more}\n{small}{}", tier("large", large, ratio, LONG))
}

/// The same with limits that nothing in a test reaches.
pub(crate) fn patient(toml: &str) -> String {
    toml.lines()
        .map(|line| match line.split_once("_timeout_s = ") {
            Some((name, _)) if !name.starts_with("request") => format!("{name}_timeout_s = 60.0\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}

impl Router {
    /// A router over `small` and `large`, with the default settings.
    pub(crate) async fn over(small: &str, large: &str) -> Self {
        Self::with(&two_tiers("", small, large)).await
    }

    pub(crate) async fn with(toml: &str) -> Self {
        Self::start(toml, true, None).await
    }

    pub(crate) async fn start(toml: &str, has_signal: bool, store: Option<Arc<dyn DecisionStore>>) -> Self {
        Self::scored_by(Arc::new(ByWord { has_signal }), toml, store).await
    }

    pub(crate) async fn scored_by(
        scoring: Arc<dyn Scoring>,
        toml: &str,
        store: Option<Arc<dyn DecisionStore>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rungs.toml");
        std::fs::write(&file, toml).unwrap();
        let config = Config::load(Some(&file)).unwrap();
        let store = match store {
            Some(store) => store,
            None => rungs::decisions::open(&config.log, folder.path()).await.unwrap(),
        };
        let tiers = config.tiers.iter().map(|tier| Tier::open(tier.clone(), &config.upstreams).unwrap()).collect();
        let app = App::new(config, tiers, scoring, Arc::clone(&store));
        // A store that cannot be read has nothing to recall.
        let _ = app.recall().await;
        Self { url: serve(router(app)).await, client: client(), store, _folder: folder }
    }

    /// Posts a body to the chat endpoint.
    pub(crate) async fn post(&self, body: impl Into<reqwest::Body>) -> Response {
        let request = self.client.post(format!("{}/v1/chat/completions", self.url));
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    }

    /// Asks a question of `auto`.
    pub(crate) async fn ask(&self, text: &str, more: Value) -> Response {
        self.post(question(text, more).to_string()).await
    }

    /// The decision on a question of `auto`, without the call.
    pub(crate) async fn route(&self, text: &str, more: Value) -> Value {
        let request = self.client.post(format!("{}/v1/route", self.url)).json(&question(text, more));
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// The record of an answer.
    pub(crate) async fn record(&self, response: &Response) -> DecisionRecord {
        let id = header(response, "x-rungs-decision-id");
        self.store.get(&id).await.unwrap().expect("the record is kept before the answer leaves")
    }

    /// The record of an answer that is read to its end: a stream's record is kept before its last byte.
    pub(crate) async fn ended(&self, response: Response) -> DecisionRecord {
        let id = header(&response, "x-rungs-decision-id");
        response.bytes().await.unwrap();
        self.store.get(&id).await.unwrap().expect("the record is kept before the answer ends")
    }

    /// The newest record, waiting for it a little while.
    pub(crate) async fn newest(&self) -> DecisionRecord {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            let filter = rungs::decisions::DecisionFilter { limit: 1, ..Default::default() };
            if let Some(record) = self.store.list(&filter).await.unwrap().decisions.pop() {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no record was kept");
    }
}

/// A request for `auto` with one user message and more fields.
pub(crate) fn question(text: &str, more: Value) -> Value {
    let mut request = json!({"model": "auto", "messages": [{"role": "user", "content": text}]});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    request
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// The text of an answer.
pub(crate) async fn text(response: Response) -> String {
    let body: Value = response.json().await.unwrap();
    body["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("no text in {body}")).to_owned()
}

/// The status and the code of an error in OpenAI's shape.
pub(crate) async fn error(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let error = body["error"].as_object().unwrap_or_else(|| panic!("no error in {body}"));
    assert!(error["message"].is_string() && error["type"].is_string() && error.contains_key("param"), "{body}");
    (status, error["code"].as_str().unwrap_or_default().to_owned())
}
