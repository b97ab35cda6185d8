//! Budgets and rates: what is counted, what becomes of a request that would pass a limit, and that routers share the counts.

use std::sync::Arc;

use reqwest::Response;
use rungs::config::{KeyHash, LogConfig};
use rungs::decisions::{DecisionFilter, DecisionStore, open};
use rungs::policy::Cause;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::support::model::{answering, events, saying};
use crate::support::postgres::with_database;
use crate::support::record::settled;
use crate::support::router::{Router, error, header, question, two_tiers};

/// A question that is expected to take just what the answer takes: 80 tokens of prompt by estimate, 60 fresh and 40 cached
/// ones at half the price by the upstream's count, and 10 of answer at twice the price, which is 1e-4 USD at either tier.
fn exact() -> (String, Value) {
    (format!("easy {}", "x".repeat(280)), json!({"max_tokens": 10}))
}

async fn with(more: &str) -> (MockServer, MockServer, Router) {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let (at_small, at_large) = (format!("{}/v1", small.uri()), format!("{}/v1", large.uri()));
    let router = Router::with(&two_tiers(more, &at_small, &at_large)).await;
    (small, large, router)
}

async fn ask(router: &Router, text: &str, more: &Value, headers: &[(&str, &str)]) -> Response {
    let request = router.client.post(format!("{}/v1/chat/completions", router.url));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.json(&question(text, more.clone())).send().await.unwrap()
}

#[tokio::test]
async fn a_task_that_has_spent_its_budget_is_refused_and_others_are_not() {
    let (_small, _large, router) = with("[[budgets]]\nname = \"run\"\nper = \"task\"\nhard_usd = 0.0003").await;
    let (text, more) = exact();
    for total in ["0.000100000", "0.000200000", "0.000300000"] {
        let answer = ask(&router, &text, &more, &[("x-rungs-task", "a")]).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "x-rungs-task-cost-usd")), (200, total.to_owned()));
    }
    let refused = ask(&router, &text, &more, &[("x-rungs-task", "a")]).await;
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!(wait <= 86_400, "{wait}");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        (&body["error"]["code"], &body["error"]["type"]),
        (&json!("budget_exceeded"), &json!("insufficient_quota"))
    );
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("`run` of the task `a`") && message.contains("0.000300 of 0.0003 USD"), "{message}");
    assert_eq!(ask(&router, &text, &more, &[("x-rungs-task", "b")]).await.status(), 200);
    assert_eq!(header(&ask(&router, &text, &more, &[]).await, "x-rungs-task-cost-usd"), "");
}

#[tokio::test]
async fn a_stream_tells_the_tasks_total_before_and_after_it() {
    let events = ResponseTemplate::new(200).set_body_raw(events(&["hel", "lo"]), "text/event-stream");
    let upstream = answering(events).await;
    let url = format!("{}/v1", upstream.uri());
    let router = Router::with(&two_tiers("", &url, &url)).await;
    let more = json!({"model": "large", "stream": true, "stream_options": {"include_usage": true}});
    for n in 0..3 {
        let stream = ask(&router, "easy", &more, &[("x-rungs-task", "a")]).await;
        let before: f64 = header(&stream, "x-rungs-task-cost-usd").parse().unwrap();
        let body = stream.text().await.unwrap();
        let usage = body.lines().find(|line| line.contains("x_rungs")).unwrap().strip_prefix("data: ").unwrap();
        let usage: Value = serde_json::from_str(usage).unwrap();
        let (after, own) = (&usage["x_rungs"]["task_cost_usd"], &usage["x_rungs"]["cost_usd"]);
        let (after, own) = (after.as_f64().unwrap(), own.as_f64().unwrap());
        assert!(own > 0.0 && (before - own * f64::from(n)).abs() < 1e-8, "{n}: {before}");
        assert!((after - before - own).abs() < 1e-8, "{n}: {usage}");
    }
}

#[tokio::test]
async fn over_a_capping_budget_requests_go_to_the_cheapest_tier() {
    let budget = "[[budgets]]\nname = \"cap\"\nper = \"tenant\"\nhard_usd = 0.0001\nwhen_over = \"cheap\"";
    let (_small, _large, router) = with(budget).await;
    let (_, more) = exact();
    let hard = format!("hard {}", "x".repeat(280));
    let acme = [("x-rungs-tenant", "acme")];
    let first = ask(&router, &hard, &more, &acme).await;
    assert_eq!(header(&first, "x-rungs-tier"), "large");
    let capped = ask(&router, &hard, &more, &acme).await;
    assert_eq!(header(&capped, "x-rungs-tier"), "small");
    let record = router.record(&capped).await;
    assert_eq!(
        (record.cause, record.budget.as_deref(), record.rungs),
        (Cause::Budget, Some("cap"), vec!["small".to_owned()])
    );
    let named = ask(&router, &hard, &json!({"model": "large", "max_tokens": 10}), &acme).await;
    assert_eq!(error(named).await, (429, "budget_exceeded".to_owned()));
    assert_eq!(header(&ask(&router, &hard, &more, &[]).await, "x-rungs-tier"), "large");
}

#[tokio::test]
async fn a_record_names_key_and_metadata() {
    let hash = String::from(KeyHash::of("rk-a"));
    let key = format!("[[auth.keys]]\nname = \"team-a\"\nsha256 = \"{hash}\"");
    let (_small, _large, router) = with(&key).await;
    let more = json!({"metadata": {"x-rungs-route": "triage", "feature": "search"}});
    let answer = ask(&router, "easy", &more, &[("authorization", "Bearer rk-a")]).await;
    let record = router.record(&answer).await;
    assert_eq!((record.key.as_deref(), record.route.as_deref()), (Some("team-a"), Some("triage")));
    assert_eq!(Value::from(record.metadata), json!({"feature": "search"}));
    let large = json!({"metadata": {"note": "x".repeat(20 << 10)}});
    assert!(router.record(&ask(&router, "easy", &large, &[]).await).await.metadata.is_empty());
}

#[tokio::test]
async fn what_was_spent_before_a_restart_counts() {
    let folder = tempfile::tempdir().unwrap();
    let server = saying("hello").await;
    let url = format!("{}/v1", server.uri());
    let toml = two_tiers("[[budgets]]\nname = \"b\"\nper = \"tenant\"\nhard_usd = 0.0002", &url, &url);
    let (text, more) = exact();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let store = open(&LogConfig::default(), folder.path()).await.unwrap();
        let router = Router::start(&toml, true, Some(Arc::clone(&store))).await;
        statuses.push(ask(&router, &text, &more, &[("x-rungs-tenant", "acme")]).await.status().as_u16());
        store.close().await.unwrap();
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn a_keys_days_and_months_are_limited_each_for_itself() {
    let key = |name: &str| {
        format!("[[auth.keys]]\nname = \"{name}\"\nsha256 = \"{}\"\n", String::from(KeyHash::of(&format!("rk-{name}"))))
    };
    let budget = |every: &str, only: &str, usd: &str| {
        format!(
            "[[budgets]]\nname = \"{every}\"\nper = \"key\"\nevery = \"{every}\"\nonly = [{only}]\nhard_usd = {usd}\n"
        )
    };
    let keys = ["a", "b", "c"].map(key).concat();
    let budgets = budget("day", "\"a\", \"b\"", "0.0002") + &budget("month", "\"a\"", "0.0001");
    let (_small, _large, router) = with(&(keys + &budgets)).await;
    let (text, more) = exact();
    for (name, served, limit, longest) in [("a", 1, "month", 31), ("b", 2, "day", 1), ("c", 4, "", 0)] {
        let bearer = format!("Bearer rk-{name}");
        let mut refused = None;
        for n in 0..4 {
            let answer = ask(&router, &text, &more, &[("authorization", &bearer)]).await;
            if answer.status() != 200 {
                refused = Some((n, answer));
                break;
            }
        }
        let Some((n, refused)) = refused else {
            assert_eq!(served, 4, "{name} was never refused");
            continue;
        };
        let wait: u64 = header(&refused, "retry-after").parse().unwrap();
        assert!(n == served && wait <= longest * 86_400, "{name}: {n} served, {wait} s");
        let body: Value = refused.json().await.unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{limit}` of the key `{name}`")), "{message}");
    }
}

/// Two routers on one database.
async fn replicas(config: &LogConfig, toml: &str) -> [(Router, tempfile::TempDir); 2] {
    let start = async || {
        let folder = tempfile::tempdir().unwrap();
        let store = open(config, folder.path()).await.unwrap();
        (Router::start(toml, true, Some(store)).await, folder)
    };
    [start().await, start().await]
}

/// Asks both through eight connections each until they refuse; gives how many answers came.
async fn until_refused(replicas: &[(Router, tempfile::TempDir); 2], headers: &[(&str, &str)]) -> u64 {
    let (text, more) = exact();
    let client = async |router: &Router| {
        let mut served = 0;
        loop {
            let response = ask(router, &text, &more, headers).await;
            match response.status().as_u16() {
                200 => served += 1,
                429 => return served,
                status => panic!("{status}: {:?}", response.text().await),
            }
        }
    };
    let clients = (0..16).map(|n| client(&replicas[n % 2].0));
    futures_util::future::join_all(clients).await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_routers_share_a_budget_within_a_hundredth() {
    with_database(|config| async move {
        let server = saying("hello").await;
        let url = format!("{}/v1", server.uri());
        let toml = two_tiers("[[budgets]]\nname = \"b\"\nper = \"tenant\"\nhard_usd = 0.04", &url, &url);
        let replicas = replicas(&config, &toml).await;
        let served = until_refused(&replicas, &[("x-rungs-tenant", "acme")]).await;
        assert!((396..=404).contains(&served), "400 fit, {served} were served");
        let stores: Vec<&dyn DecisionStore> = replicas.iter().map(|(router, _)| &*router.store).collect();
        for store in &stores {
            settled(*store).await;
        }
        // Both see all decisions, and each made a fair part of them.
        let filter = DecisionFilter { limit: 1000, ..Default::default() };
        let seen = stores[0].list(&filter).await.unwrap().decisions;
        assert_eq!(seen.len() as u64, served);
        let spent: f64 = seen.iter().filter_map(|record| record.cost_usd).sum();
        assert!((spent / 0.04 - 1.0).abs() < 0.01, "{spent}");
        let writers =
            |writer: &str| seen.iter().filter(|r| r.receipt.as_ref().is_some_and(|r| r.writer == writer)).count();
        let first = seen[0].receipt.as_ref().unwrap().writer.as_str();
        assert!((50..=350).contains(&writers(first)), "{}", writers(first));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_routers_share_a_keys_rate() {
    with_database(|config| async move {
        let server = saying("hello").await;
        let url = format!("{}/v1", server.uri());
        let hash = String::from(KeyHash::of("rk-a"));
        let key = format!("[[auth.keys]]\nname = \"a\"\nsha256 = \"{hash}\"\nrequests_per_minute = 60");
        let replicas = replicas(&config, &two_tiers(&key, &url, &url)).await;
        let start = std::time::Instant::now();
        let served = until_refused(&replicas, &[("authorization", "Bearer rk-a")]).await;
        // A second gives one back.
        let most = 60 + start.elapsed().as_secs() + 1;
        assert!((60..=most).contains(&served), "{served} of {most}");
        // Either tells what both have taken.
        for (router, _) in &replicas {
            let answer = ask(router, "easy", &json!({}), &[("authorization", "Bearer rk-a")]).await;
            let left: u64 = header(&answer, "x-ratelimit-remaining-requests").parse().unwrap();
            assert!(left <= start.elapsed().as_secs() + 1, "{left} left");
        }
    })
    .await;
}
