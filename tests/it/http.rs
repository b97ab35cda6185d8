//! The endpoints: what goes in, what comes out, and every way to ask wrongly.

use std::sync::Arc;

use rungs::config::{Config, Preset};
use rungs::difficulty::Scorer;
use rungs::http::{App, router};
use rungs::standin;
use serde_json::{Value, json};

use crate::support::model::{answering, completion, events, received, saying, sse, whole};
use crate::support::router::{Router, error, header, patient, question, text, two_tiers};
use crate::support::store::Full;
use crate::support::{client, serve};

async fn working() -> (wiremock::MockServer, wiremock::MockServer, Router) {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let router = Router::over(&format!("{}/v1", small.uri()), &format!("{}/v1", large.uri())).await;
    (small, large, router)
}

#[tokio::test]
async fn an_answer_says_who_gave_it_and_what_it_cost() {
    let (_small, _large, router) = working().await;
    let response = router.ask("easy", json!({})).await;
    assert_eq!(response.status(), 200);
    let headers = ["tier", "model", "difficulty", "escalations", "model-version", "cost-usd"];
    let said = headers.map(|name| header(&response, &format!("x-rungs-{name}")));
    // 60 × 1.00 + 40 × 0.50 + 10 × 2.00 = 100 millionths.
    assert_eq!(said, ["small", "served-model", "0.2000", "0", "by-word", "0.000100000"]);
    let record = router.record(&response).await;
    assert_eq!((record.tier.as_deref(), record.cost_usd, record.escalations), (Some("small"), Some(1e-4), 0));
    assert_eq!(record.answer.as_deref(), Some("from small"));
    assert_eq!(text(response).await, "from small");
}

#[tokio::test]
async fn the_score_decides_and_the_named_presets_move_it() {
    let (_small, _large, router) = working().await;
    for (model, question, tier) in [
        ("auto", "easy", "small"),
        ("auto", "hard", "large"),
        ("auto:economy", "hard", "small"),
        ("auto:quality", "easy", "large"),
        ("large", "easy", "large"),
        ("router-mf-0.9", "hard", "small"),
    ] {
        let response = router.ask(question, json!({ "model": model })).await;
        assert_eq!(header(&response, "x-rungs-tier"), tier, "{model}: {question}");
    }
}

#[tokio::test]
async fn unknown_fields_reach_the_upstream_byte_for_byte() {
    let (_small, large, router) = working().await;
    let fields = r#""messages":[{"role":"user","content":"héllo \u00e9","vendor_tag":1.10}],"tools":[{"type":"function","function":{"name":"f","parameters":{"b":1,"a":2.50}}}],"seed":12345678901234567890123,"temperature":0.70,"vendor":{"z":[1e3,null]}"#;
    let response = router.post(format!(r#"{{"model":"large",{fields}}}"#)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(received(&large).await, [format!(r#"{{"model":"large-1",{fields}}}"#)]);
}

#[tokio::test]
async fn vendor_fields_of_the_answer_come_back() {
    let mut answer = completion("hi");
    answer["vendor"] = json!({"x": 1});
    answer["choices"][0]["message"]["tool_calls"] =
        json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let small = answering(whole(&answer)).await;
    let router = Router::over(&format!("{}/v1", small.uri()), "http://127.0.0.1:1/v1").await;
    let body: Value = router.ask("easy", json!({})).await.json().await.unwrap();
    assert_eq!(body, answer);
}

#[tokio::test]
async fn a_stream_passes_through_and_ends_with_done() {
    let (_small, large, router) = working().await;
    let response = router.ask("hard", json!({"stream": true})).await;
    assert_eq!(header(&response, "content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(
        (header(&response, "x-rungs-tier").as_str(), header(&response, "x-rungs-cost-usd").as_str()),
        ("large", "")
    );
    let record_id = header(&response, "x-rungs-decision-id");
    let body = response.text().await.unwrap();
    assert!(body.contains("from large") && body.ends_with("data: [DONE]\n\n"), "{body}");
    assert!(!body.contains("usage"), "the client did not ask for usage: {body}");
    assert!(received(&large).await[0].contains(r#""stream_options":{"include_usage":true}"#));
    let record = router.store.get(&record_id).await.unwrap().unwrap();
    assert_eq!((record.usage.input_tokens, record.answer.as_deref()), (100, Some("from large")));
    assert!(record.ttft_ms.unwrap() <= record.latency_ms);
}

#[tokio::test]
async fn a_streams_last_usage_chunk_tells_the_cost() {
    let (_small, _large, router) = working().await;
    for question in ["easy", "hard"] {
        let more = json!({"stream": true, "stream_options": {"include_usage": true}});
        let body = router.ask(question, more).await.text().await.unwrap();
        let events: Vec<&str> = body.split_terminator("\n\n").collect();
        let last: Value = serde_json::from_str(&events[events.len() - 2]["data: ".len()..]).unwrap();
        assert_eq!(last["usage"]["completion_tokens"], 10);
        // 100 × 1.00 + 10 × 2.00 = 120 millionths.
        assert_eq!(last["x_rungs"]["cost_usd"], 0.000_12);
    }
}

#[tokio::test]
async fn every_wrong_request_gets_openais_error() {
    let (_small, _large, router) = working().await;
    let bad = async |body: &[u8]| error(router.post(body.to_vec()).await).await;
    assert_eq!(bad(b"{").await.0, 400);
    assert_eq!(bad(b"").await.0, 400);
    assert_eq!(bad(b"[]").await.0, 400);
    assert_eq!(bad(br#"{"messages":[{"role":"user","content":"a"}],"stream":"yes"}"#).await.0, 400);
    assert_eq!(bad(b"{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}").await.0, 400);
    assert_eq!(bad(br#"{"messages":[{"role":"user","content":"\ud800"}]}"#).await.0, 400);
    let unknown = error(router.ask("easy", json!({"model": "gpt-9"})).await).await;
    assert_eq!(unknown, (404, "model_not_found".to_owned()));
    assert_eq!(error(router.get("/v2/nothing").await).await, (404, "unknown_url".to_owned()));
    assert_eq!(error(router.get("/v1/chat/completions").await).await, (405, "method_not_allowed".to_owned()));
    let form = router.client.post(format!("{}/v1/chat/completions", router.url));
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("a=b").send().await;
    assert_eq!(error(form.unwrap()).await, (415, "unsupported_media_type".to_owned()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let router =
        Router::with(&two_tiers("[server]\nmax_body_bytes = 1000", "http://127.0.0.1:1", "http://127.0.0.1:1")).await;
    let response = router.ask(&"x".repeat(2_000), json!({})).await;
    assert_eq!(error(response).await, (413, "request_too_large".to_owned()));
}

#[tokio::test]
async fn a_prompt_of_ten_megabytes_is_served() {
    let small = saying("from small").await;
    let toml = patient(&two_tiers("", &format!("{}/v1", small.uri()), "http://127.0.0.1:1"));
    let router = Router::with(&toml).await;
    let prompt = "easy words ".repeat(950_000);
    let response = router.ask(&prompt, json!({})).await;
    assert_eq!(response.status(), 200);
    assert!(received(&small).await[0].contains(&prompt));
}

#[tokio::test]
async fn a_conversation_that_no_tier_holds_is_refused_and_one_that_some_hold_goes_there() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let toml = two_tiers("", &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let toml = toml.replacen("logprobs = true", "context_window = 1000", 1) + "context_window = 4000\n";
    let router = Router::with(&toml).await;
    let long = router.ask(&"easy word ".repeat(400), json!({})).await;
    assert_eq!(header(&long, "x-rungs-tier"), "large");
    let endless = router.ask(&"easy word ".repeat(4_000), json!({})).await;
    assert_eq!(error(endless).await, (400, "context_length_exceeded".to_owned()));
    let named = router.ask(&"easy word ".repeat(1_000), json!({"model": "small"})).await;
    assert_eq!(error(named).await, (400, "context_length_exceeded".to_owned()));
}

#[tokio::test]
async fn a_panic_is_an_error_like_any_other() {
    let (_small, _large, router) = working().await;
    assert_eq!(error(router.ask("panic", json!({})).await).await, (500, "internal_error".to_owned()));
    assert_eq!(router.ask("easy", json!({})).await.status(), 200);
}

#[tokio::test]
async fn without_a_score_or_a_signal_the_fallback_decides() {
    let (_small, _large, router) = working().await;
    let response = router.ask("unscorable", json!({})).await;
    assert_eq!(
        (header(&response, "x-rungs-tier").as_str(), header(&response, "x-rungs-difficulty").as_str()),
        ("large", "")
    );
    assert!(router.record(&response).await.p.is_empty());
    let (small, large) = (saying("s").await, saying("l").await);
    let toml =
        two_tiers("[policy]\nfallback = \"cheap\"", &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let blind = Router::start(&toml, false, None).await;
    let response = blind.ask("hard", json!({})).await;
    assert_eq!(header(&response, "x-rungs-tier"), "small");
    let record = blind.record(&response).await;
    assert_eq!((record.cause, record.threshold), (rungs::policy::Cause::Fallback, None));
}

#[tokio::test]
async fn route_tells_the_plan_and_calls_nobody() {
    let (small, large, router) = working().await;
    let said = router.route("hard", json!({})).await;
    assert_eq!((&said["signal"], &said["certificate"]), (&json!("usable"), &Value::Null));
    assert_eq!(
        (&said["tier"], &said["model"], &said["model_version"]),
        (&json!("large"), &json!("large-1"), &json!("by-word"))
    );
    assert_eq!((&said["p"], &said["threshold"]), (&json!({"small": 0.1, "large": 0.9}), &json!(0.5)));
    assert_eq!(said["plan"], json!({"rungs": ["large"], "checked": true, "cause": "score", "propensity": 1.0}));
    assert!((said["score"].as_f64().unwrap() - 0.8).abs() < 1e-12 && said["novelty"].is_null());
    assert!(received(&small).await.is_empty() && received(&large).await.is_empty());
}

#[tokio::test]
async fn models_lists_every_name() {
    let router =
        Router::with(&two_tiers("[aliases]\n\"org/x\" = \"auto\"", "http://127.0.0.1:1", "http://127.0.0.1:1")).await;
    let list: Value = router.get("/v1/models").await.json().await.unwrap();
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["auto", "auto:economy", "auto:quality", "small", "large", "org/x"]);
    let alias: Value = router.get("/v1/models/org/x").await.json().await.unwrap();
    let routing = json!({"model_version": "by-word", "signal": "usable", "threshold": 0.5, "certificate": null});
    assert_eq!((&alias["routing"], &list["data"][3]["routing"]), (&routing, &Value::Null));
    assert_eq!(error(router.get("/v1/models/none").await).await, (404, "model_not_found".to_owned()));
}

#[tokio::test]
async fn decisions_are_listed_filtered_and_paged() {
    let (_small, _large, router) = working().await;
    for (route, question) in [("a", "easy"), ("b", "hard"), ("a", "easy")] {
        router.ask(question, json!({"metadata": {"x-rungs-route": route}})).await;
    }
    let of_a: Value = router.get("/v1/decisions?route=a").await.json().await.unwrap();
    assert_eq!((of_a["decisions"].as_array().unwrap().len(), &of_a["next"]), (2, &Value::Null));
    let first: Value = router.get("/v1/decisions?limit=2").await.json().await.unwrap();
    let next = first["next"].as_str().unwrap();
    let second: Value = router.get(&format!("/v1/decisions?limit=2&before={next}")).await.json().await.unwrap();
    assert_eq!(second["decisions"].as_array().unwrap().len(), 1);
    let id = second["decisions"][0]["id"].as_str().unwrap();
    let one: Value = router.get(&format!("/v1/decisions/{id}")).await.json().await.unwrap();
    assert_eq!((&one["id"], &one["route"]), (&json!(id), &json!("a")));
    assert_eq!(error(router.get("/v1/decisions/none").await).await, (404, "decision_not_found".to_owned()));
    for wrong in ["limit=0", "limit=2000", "limit=x", "rout=a", "since=yesterday"] {
        assert_eq!(error(router.get(&format!("/v1/decisions?{wrong}")).await).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn context_comes_from_headers_and_content_can_be_left_out() {
    let (small, _large, router) = working().await;
    let body = question("easy", json!({"metadata": {"x-rungs-task": "t-1", "team": "a"}}));
    let request = router.client.post(format!("{}/v1/chat/completions", router.url)).json(&body);
    let response = request.header("x-rungs-tenant", "acme").header("x-rungs-no-log", "content").send().await.unwrap();
    let record = router.record(&response).await;
    assert_eq!((record.task.as_deref(), record.tenant.as_deref()), (Some("t-1"), Some("acme")));
    assert_eq!((record.request, record.answer), (None, None));
    assert!(received(&small).await[0].contains(r#""metadata":{"team":"a"}"#));
}

#[tokio::test]
async fn the_clients_ceiling_is_kept() {
    let (_small, _large, router) = working().await;
    let ask = async |question_: &str, ceiling: &str| {
        let request = router.client.post(format!("{}/v1/chat/completions", router.url));
        let request = request.header("x-rungs-max-tier", ceiling).json(&question(question_, json!({})));
        request.send().await.unwrap()
    };
    assert_eq!(header(&ask("hard", "small").await, "x-rungs-tier"), "small");
    assert_eq!(error(ask("hard", "huge").await).await.0, 400);
}

#[tokio::test]
async fn an_upstreams_refusal_of_the_request_is_passed_on() {
    let refusal = json!({"error": {"message": "temperature is too hot", "type": "invalid_request_error", "param": "temperature", "code": null}});
    let large = answering(wiremock::ResponseTemplate::new(422).set_body_json(&refusal)).await;
    let router = Router::over("http://127.0.0.1:1", &format!("{}/v1", large.uri())).await;
    for stream in [false, true] {
        let response = router.ask("hard", json!({ "stream": stream })).await;
        assert_eq!(response.status(), 422);
        let record = router.record(&response).await;
        assert_eq!((record.outcome, record.attempts.len()), (rungs::decisions::Outcome::Failed, 1));
        assert_eq!(response.json::<Value>().await.unwrap(), refusal);
    }
}

#[tokio::test]
async fn no_complete_answer_leaves_without_its_record() {
    let (small, large) = (saying("from small").await, answering(sse(&events(&["from", " large"]))).await);
    let toml = two_tiers("", &format!("{}/v1", small.uri()), &format!("{}/v1", large.uri()));
    let router = Router::start(&toml, true, Some(Arc::new(Full))).await;
    for stream in [false, true] {
        let response = router.ask("easy", json!({ "stream": stream })).await;
        assert_eq!(error(response).await, (503, "decision_log_unavailable".to_owned()));
    }
    let live = router.ask("hard", json!({"stream": true})).await.text().await.unwrap();
    assert!(live.contains("decision_log_unavailable") && !live.contains("[DONE]"), "{live}");
    assert!(!live.contains(r#""finish_reason":"stop""#), "the last chunk makes the answer complete: {live}");
    let relaxed = Router::start(&format!("[log]\ndurability = \"relaxed\"\n{toml}"), true, Some(Arc::new(Full))).await;
    assert_eq!(text(relaxed.ask("easy", json!({})).await).await, "from small");
}

#[tokio::test]
async fn health_says_whether_requests_can_be_served() {
    let (_small, _large, router) = working().await;
    assert_eq!(router.get("/healthz").await.status(), 200);
    let ready = router.get("/readyz").await;
    assert_eq!(ready.status(), 200);
    assert_eq!(ready.json::<Value>().await.unwrap()["tiers"], 2);
    let toml = two_tiers("", "http://127.0.0.1:1", "http://127.0.0.1:1");
    let broken = Router::start(&toml, true, Some(Arc::new(Full))).await;
    assert_eq!(broken.get("/readyz").await.status(), 503);
    assert_eq!(broken.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn the_shipped_artifact_routes_the_stand_ins() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::default();
    let store = rungs::decisions::open(&config.log, folder.path()).await.unwrap();
    let scorer = Arc::new(Scorer::open(&config).unwrap());
    let (low, high) = (scorer.threshold(Preset::Quality), scorer.threshold(Preset::Economy));
    assert!(scorer.has_signal() && low <= high, "{low} {high}");
    let url = serve(router(App::new(config, standin::tiers().unwrap(), scorer, store))).await;
    let request = client().post(format!("{url}/v1/route")).json(&question("What is 17 * 23?", json!({})));
    let said: Value = request.send().await.unwrap().json().await.unwrap();
    let p = |tier: &str| said["p"][tier].as_f64().unwrap();
    let score = p("stand-in-large") - p("stand-in-small");
    assert!((said["score"].as_f64().unwrap() - score).abs() < 1e-12 && (0.0..=1.0).contains(&p("stand-in-small")));
    let expected = if score >= said["threshold"].as_f64().unwrap() { "stand-in-large" } else { "stand-in-small" };
    assert_eq!(said["tier"], expected);
}
