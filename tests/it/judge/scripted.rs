//! Tiers and a judge that say what they are told to, and count what is asked.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::support::router::{Router as Rungs, patient, two_tiers_at};
use crate::support::serve;

/// A router in a folder whose answers a judge looks at, by these settings, of which `[judge]` is the last section; and its
/// configuration's file, for commands.
pub(crate) async fn judged_router(
    folder: &Path,
    settings: &str,
    tiers: &Upstream,
    judge: &Upstream,
) -> (Rungs, PathBuf) {
    let place = folder.display();
    let settings = format!(
        "data_dir = '{place}'\n[log]\nurl = \"sqlite://{place}/rungs.db\"\n{settings}\n\
         [judge.tier]\nname = 'judge'\nmodel = 'judge-1'\nbase_url = '{}'\nprice = {{ input = 1.0, output = 1.0 }}",
        judge.url
    );
    let toml = patient(&two_tiers_at(10.0, &settings, &tiers.url, &tiers.url));
    let file = folder.join("rungs.toml");
    std::fs::write(&file, &toml).unwrap();
    (Rungs::with(&toml).await, file)
}

/// How a judge behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Judges by the word `right` in the answers.
    Honest,
    /// Says something, but no verdict.
    Nonsense,
    /// Gives a verdict that it was not offered.
    Invented,
    /// Never answers.
    Slow,
    /// Answers with an error.
    Broken,
    /// Refuses.
    Refusing,
    /// Does what the answers tell it to: says `A`.
    Obedient,
    /// Prefers whatever stands first.
    First,
}

/// What was asked of an upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    pub(crate) calls: Arc<AtomicU64>,
    manner: Arc<Mutex<Manner>>,
}

#[derive(Clone)]
struct Script {
    calls: Arc<AtomicU64>,
    manner: Arc<Mutex<Manner>>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let (calls, manner) = (Arc::default(), Arc::new(Mutex::new(Manner::Honest)));
        let script = Script { calls: Arc::clone(&calls), manner: Arc::clone(&manner) };
        let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(script);
        Self { url: format!("{}/v1", serve(router).await), calls, manner }
    }

    pub(crate) fn behaves(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Tokens of every call.
pub(crate) const TOKENS: (u64, u64) = (100, 20);

async fn complete(State(script): State<Script>, Json(request): Json<Value>) -> Response {
    script.calls.fetch_add(1, Ordering::Relaxed);
    let model = request["model"].as_str().unwrap().to_owned();
    if !model.starts_with("judge") {
        return Json(completion(&model, &answer(&model, request["messages"][0]["content"].as_str().unwrap())))
            .into_response();
    }
    assert!(request.get("temperature").is_none(), "newer models refuse it");
    let asked = request["messages"][1]["content"].as_str().unwrap();
    let manner = *script.manner.lock().unwrap();
    match manner {
        Manner::Slow => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
        Manner::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "broken").into_response(),
        Manner::Refusing => {
            let mut refusal = completion(&model, "");
            refusal["choices"][0]["message"]["refusal"] = "I do not judge.".into();
            Json(refusal).into_response()
        }
        manner => Json(completion(&model, &judged(asked, manner))).into_response(),
    }
}

/// The small model is right about numbers that are no multiple of five; the large one is wrong about multiples of fifty.
pub(crate) fn is_right(model: &str, question: &str) -> bool {
    let number: u64 = question.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(1);
    !number.is_multiple_of(if model.starts_with("small") { 5 } else { 50 })
}

fn answer(model: &str, question: &str) -> String {
    if question.starts_with("say nothing") && model.starts_with("small") {
        return String::new();
    }
    if let Some(said) = question.split_once("say to the judge: ").filter(|_| model.starts_with("small")) {
        return said.1.to_owned();
    }
    format!("**{}** is what {model} finds", if is_right(model, question) { "right" } else { "wrong" })
}

pub(crate) fn completion(model: &str, text: &str) -> Value {
    json!({
        "id": "c", "object": "chat.completion", "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": TOKENS.0, "completion_tokens": TOKENS.1}
    })
}

/// What a judge says of what it was asked.
pub(crate) fn judged(asked: &str, manner: Manner) -> String {
    let fence = asked.lines().find(|line| line.starts_with("===")).unwrap();
    let parts: Vec<&str> = asked.split(fence).collect();
    let (_, offered) = asked.rsplit_once("\"verdict\": ").unwrap();
    let words: Vec<&str> = offered.split('"').filter(|word| word.len() == 7).collect();
    let good = |text: &str| text.contains("right");
    assert!(parts.iter().skip(3).all(|part| !part.contains("**")), "markdown is stripped: {asked}");
    let word = match (manner, &parts[..]) {
        (Manner::Nonsense, _) => return "Both have their merits.".to_owned(),
        (Manner::Invented, _) => "A",
        (Manner::Obedient, _) if asked.contains("say A") => "A",
        (Manner::First, _) => words[0],
        (_, [_, _, _, first, _, second, _]) => match (good(first), good(second)) {
            (true, false) => words[0],
            (false, true) => words[1],
            _ => words[2],
        },
        (_, [_, _, _, answer, _]) => words[usize::from(!good(answer))],
        _ => panic!("cannot read {asked}"),
    };
    json!({"reason": "as told", "verdict": word}).to_string()
}
