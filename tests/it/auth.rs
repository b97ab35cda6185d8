//! Who may ask, and for what.

use reqwest::Response;
use rungs::config::KeyHash;
use serde_json::{Value, json};

use crate::support::model::saying;
use crate::support::router::{Router, error, header, question, two_tiers};

fn key(name: &str, more: &str) -> String {
    format!(
        "[[auth.keys]]\nname = \"{name}\"\nsha256 = \"{}\"\n{more}\n",
        String::from(KeyHash::of(&format!("rk-{name}")))
    )
}

/// A router that asks for keys, these among them.
async fn guarded(keys: &str) -> (wiremock::MockServer, Router) {
    let server = saying("hello").await;
    let url = format!("{}/v1", server.uri());
    let admin = String::from(KeyHash::of("rk-admin"));
    let auth = format!("[auth]\nrequired = true\nadmin_key_sha256 = \"{admin}\"\n{keys}");
    let router = Router::with(&two_tiers(&auth, &url, &url)).await;
    (server, router)
}

async fn ask(router: &Router, key: Option<&str>, model: &str, headers: &[(&str, &str)]) -> Response {
    let body = question("easy", json!({ "model": model }));
    let request = router.client.post(format!("{}/v1/chat/completions", router.url)).json(&body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    match key {
        Some(key) => request.bearer_auth(key),
        None => request,
    }
    .send()
    .await
    .unwrap()
}

#[tokio::test]
async fn without_a_key_nobody_is_served() {
    let (_server, router) = guarded(&key("a", "tenant = \"acme\"")).await;
    for wrong in [None, Some("rk-b"), Some(""), Some("rk-a x")] {
        let refused = ask(&router, wrong, "auto", &[]).await;
        assert_eq!(error(refused).await, (401, "invalid_api_key".to_owned()), "{wrong:?}");
    }
    let served = ask(&router, Some("rk-a"), "auto", &[("x-rungs-tenant", "other")]).await;
    assert_eq!(served.status(), 200);
    assert_eq!(router.record(&served).await.tenant.as_deref(), Some("acme"));
    for name in ["x-api-key", "api-key"] {
        assert_eq!(ask(&router, None, "auto", &[(name, "rk-a")]).await.status(), 200, "{name}");
    }
    assert_eq!(error(router.get("/v1/models").await).await.0, 401);
    assert_eq!(router.get("/healthz").await.status(), 200);
    let message = router.client.post(format!("{}/v1/messages", router.url)).json(&json!({})).send().await.unwrap();
    assert_eq!(message.status(), 401);
    assert_eq!(message.json::<Value>().await.unwrap()["error"]["type"], "authentication_error");
}

#[tokio::test]
async fn the_log_is_for_the_admin_key_alone() {
    let (_server, router) = guarded(&key("a", "")).await;
    for path in ["/v1/decisions", "/v1/stats", "/v1/decisions/x"] {
        let get = async |key: &str| {
            let request = router.client.get(format!("{}{path}", router.url)).bearer_auth(key);
            request.send().await.unwrap().status().as_u16()
        };
        assert_eq!((get("rk-a").await, get("").await), (401, 401), "{path}");
        assert_ne!(get("rk-admin").await, 401, "{path}");
    }
    let judged = json!({"decision_id": "none", "score": 1.0});
    let feedback = router.client.post(format!("{}/v1/feedback", router.url)).bearer_auth("rk-a").json(&judged);
    assert_eq!(feedback.send().await.unwrap().status(), 404, "a client may judge an answer");
}

#[tokio::test]
async fn a_tenants_key_judges_answers_of_that_tenant_only() {
    let keys = key("a", "tenant = \"acme\"") + &key("b", "tenant = \"other\"") + &key("c", "");
    let (_server, router) = guarded(&keys).await;
    let served = ask(&router, Some("rk-a"), "auto", &[]).await;
    let judged = json!({"decision_id": header(&served, "x-rungs-decision-id"), "score": 1.0});
    for (key, status) in [("rk-a", 201), ("rk-b", 404), ("rk-c", 201), ("rk-admin", 201)] {
        let request = router.client.post(format!("{}/v1/feedback", router.url)).bearer_auth(key).json(&judged);
        assert_eq!(request.send().await.unwrap().status(), status, "{key}");
    }
}

#[tokio::test]
async fn a_key_reaches_its_routes_and_tiers_only() {
    let keys = key("a", "routes = [\"triage\"]") + &key("b", "tiers = [\"small\"]");
    let (_server, router) = guarded(&keys).await;
    let on = |route| [("x-rungs-route", route)];
    assert_eq!(ask(&router, Some("rk-a"), "auto", &on("triage")).await.status(), 200);
    for headers in [&on("legal")[..], &[]] {
        let refused = ask(&router, Some("rk-a"), "auto", headers).await;
        assert_eq!(error(refused).await, (403, "route_not_allowed".to_owned()));
    }
    let served = ask(&router, Some("rk-b"), "auto:quality", &[]).await;
    assert_eq!(header(&served, "x-rungs-tier"), "small");
    let refused = ask(&router, Some("rk-b"), "large", &[]).await;
    assert_eq!(error(refused).await, (403, "tier_not_allowed".to_owned()));
}

#[tokio::test]
async fn limits_are_each_keys_own() {
    let keys = key("a", "requests_per_minute = 2") + &key("b", "tokens_per_minute = 400") + &key("c", "");
    let (_server, router) = guarded(&keys).await;
    for name in ["rk-a", "rk-b"] {
        let mut refused = None;
        for _ in 0..3 {
            let response = ask(&router, Some(name), "auto", &[]).await;
            if response.status() == 429 {
                refused = Some(response);
                break;
            }
        }
        let refused = refused.unwrap_or_else(|| panic!("{name} was never refused"));
        let wait: u64 = header(&refused, "retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{name}: {wait}");
        assert_eq!(error(refused).await, (429, "rate_limit_exceeded".to_owned()));
        assert_eq!(ask(&router, Some("rk-c"), "auto", &[]).await.status(), 200);
    }
}

/// What an answer tells of a limit: `limit`, `remaining` and `reset` of requests or tokens.
fn told(response: &Response, what: &str) -> [String; 3] {
    ["limit", "remaining", "reset"].map(|name| header(response, &format!("x-ratelimit-{name}-{what}")))
}

#[tokio::test]
async fn answers_tell_what_is_left_of_a_keys_limits() {
    let keys = key("a", "requests_per_minute = 2\ntokens_per_minute = 6000") + &key("c", "");
    let (_server, router) = guarded(&keys).await;
    let first = ask(&router, Some("rk-a"), "auto", &[]).await;
    let [limit, remaining, reset] = told(&first, "requests");
    assert_eq!((limit.as_str(), remaining.as_str()), ("2", "1"));
    let seconds: f64 = reset.strip_suffix('s').unwrap().parse().unwrap();
    assert!((25.0..=30.0).contains(&seconds), "{reset}");
    let [limit, remaining, reset] = told(&first, "tokens");
    let left: f64 = remaining.parse().unwrap();
    assert!(limit == "6000" && (5_000.0..6_000.0).contains(&left) && reset.ends_with('s'), "{remaining} {reset}");
    // Errors tell it, too, the refusal itself among them.
    let unknown = ask(&router, Some("rk-a"), "gpt-9", &[]).await;
    assert_eq!((unknown.status().as_u16(), told(&unknown, "requests")[1].as_str()), (404, "0"));
    let refused = ask(&router, Some("rk-a"), "auto", &[]).await;
    assert_eq!((refused.status().as_u16(), told(&refused, "requests")[1].as_str()), (429, "0"));
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let free = ask(&router, Some("rk-c"), "auto", &[]).await;
    assert!(free.headers().keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
}

#[tokio::test]
async fn a_request_that_no_minute_has_room_for_is_told_so() {
    let (_server, router) = guarded(&key("b", "tokens_per_minute = 10")).await;
    let refused = ask(&router, Some("rk-b"), "auto", &[]).await;
    assert_eq!((header(&refused, "retry-after"), told(&refused, "tokens")[1].as_str()), (String::new(), "10"));
    let body: Value = refused.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("is expected to take") && message.contains("10 per minute"), "{message}");
}

#[cfg(feature = "train")]
#[test]
fn a_new_key_fits_the_configuration() {
    let (key, told) = crate::support::command::said(&["new-key", "support"]);
    assert!(told.contains(&String::from(KeyHash::of(key.trim()))) && told.contains("name = \"support\""), "{told}");
    assert_eq!(crate::support::command::refusal(&["new-key", " "]).0, 2);
}

#[cfg(feature = "train")]
#[test]
fn serve_does_not_listen_beyond_this_machine_without_keys() {
    let (code, error) = crate::support::command::refusal(&["serve", "--bind", "0.0.0.0:0"]);
    assert!(code == 2 && error.contains("rungs new-key"), "{error}");
}
