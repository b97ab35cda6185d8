//! `GET /metrics`.

use serde_json::json;

use crate::support::model::saying;
use crate::support::router::{Router, two_tiers};

#[tokio::test]
async fn requests_are_counted_by_the_names_that_are_promised() {
    let large = saying("from large").await;
    let more = "[upstreams]\nretries = 0\n[routes.known]\n";
    let router = Router::with(&two_tiers(more, "http://127.0.0.1:1/v1", &format!("{}/v1", large.uri()))).await;
    for route in ["known", "made-up"] {
        let more = json!({"metadata": {"x-rungs-route": route}});
        assert_eq!(router.ask("easy", more).await.status(), 200);
    }
    let response = router.get("/metrics").await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    for line in [
        "rungs_request_duration_seconds_count{route=\"known\",tier=\"large\",outcome=\"served\"} 1",
        "rungs_request_duration_seconds_count{route=\"other\",tier=\"large\",outcome=\"served\"} 1",
        "rungs_overhead_seconds_count 2",
        "rungs_tokens_total{tier=\"large\",kind=\"input\"} 200",
        "rungs_tokens_total{tier=\"large\",kind=\"cached\"} 80",
        "rungs_tokens_total{tier=\"large\",kind=\"output\"} 20",
        "rungs_escalations_total{reason=\"upstream_failure\"} 2",
        "rungs_failed_calls_total{tier=\"small\",endpoint=\"127.0.0.1:1\"} 2",
        "rungs_decisions_pending 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("rungs_cost_usd_total{tier=\"large\",route=\"known\"} 0.000"), "{text}");
    assert!(text.contains("rungs_endpoint_resting_seconds{tier=\"small\",endpoint=\"127.0.0.1:1\"}"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}
