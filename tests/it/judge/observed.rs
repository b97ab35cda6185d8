//! What routing would have lost, found by judging a sample of what it was kept from.

use rungs::decisions::{DecisionFilter, DecisionStore};
use rungs::judge::{Subject, verdicts};
use serde_json::{Value, json};

use super::scripted::{Upstream, is_right, judged_router};
use crate::support::command::{json_of, said, text};
use crate::support::record::settled;
use crate::support::router::header;

/// Requests that would have begun at the small model.
const EASY: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_tells_what_routing_would_have_cost_and_lost() {
    let (tiers, judge) = (Upstream::start().await, Upstream::start().await);
    let folder = tempfile::tempdir().unwrap();
    let settings = "[policy]\nrouted_share = 0.0\n[judge]\nmonitor_rate = 0.0\nlearn_rate = 0.5\nboth_orders = 0.3\n\
                    max_spend_share = 1000.0\nrequests_per_minute = 100000\nworkers = 1";
    let (router, file) = judged_router(folder.path(), settings, &tiers, &judge).await;
    let questions = (1..=EASY).map(|n| format!("what is {n}?"));
    for question in questions.clone().chain((0..20).map(|n| format!("hard: what is {n}?"))) {
        let answer = router.ask(&question, json!({})).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "x-rungs-tier")), (200, "large".to_owned()));
    }
    settled(&*router.store).await;
    let before = json_of(&["report", "--config", text(&file), "--json"]);
    assert_eq!(before["total"]["observed"]["lost"]["interval"], json!([0.0, 1.0]), "nobody has judged anything");

    json_of(&["judge", "run", "--once", "--config", text(&file), "--json"]);
    let report = json_of(&["report", "--config", text(&file), "--json"]);
    let observed = &report["total"]["observed"];
    assert_eq!((&observed["requests"], &observed["elsewhere"]), (&json!(EASY + 20), &json!(EASY)));
    let usd = |name: &str| observed[name].as_f64().unwrap();
    // The same tokens at a tenth of the price; what would have gone to the large model as it did costs what it did.
    let large = usd("cost_usd") / (EASY + 20) as f64;
    assert!((usd("routed_usd") - large * (EASY as f64 / 10.0 + 20.0)).abs() < 1e-9, "{observed}");

    let truth = questions.filter(|question| is_lost(question)).count() as f64 / EASY as f64;
    let lost = &observed["lost"];
    let number = |value: &Value| value.as_f64().unwrap();
    // Which ones are drawn is left to chance: this is five standard errors. How often the interval holds the truth is simulated
    // beside the estimate.
    let [mean, low, high] = [&lost["mean"], &lost["interval"][0], &lost["interval"][1]].map(number);
    assert!((mean - truth).abs() < 0.16 && low < mean && mean < high && high - low < 0.25, "{truth}: {lost}");
    let judged = shadows(&*router.store).await;
    assert_eq!((&lost["requests"], &lost["drawn"], &lost["judged"]), (&json!(EASY), &json!(judged), &json!(judged)));
    let (told, _) = said(&["report", "--config", text(&file)]);
    assert!(
        told.contains("of the answers there would have been worse") && told.contains(&format!("by {judged} judged")),
        "{told}"
    );
}

/// Whether the small model's answer is the worse one.
fn is_lost(question: &str) -> bool {
    is_right("large-1", question) && !is_right("small-1", question)
}

/// Answers of the small model to what would have begun there, each judged against the large one's.
async fn shadows(store: &dyn DecisionStore) -> usize {
    let page = store.list(&DecisionFilter { limit: 1000, ..Default::default() }).await.unwrap();
    let database = store.database().unwrap();
    let mut judged = 0;
    for record in &page.decisions {
        let found = verdicts::about(&database, &record.id).await.unwrap();
        let mut shadows = found.iter().filter(|verdict| verdict.subject == Subject::Shadow).peekable();
        let Some(first) = shadows.peek() else { continue };
        assert_eq!((first.tier.as_deref(), first.against.as_deref()), (Some("small"), Some("large")));
        let question = record.request.as_ref().unwrap()["messages"][0]["content"].as_str().unwrap().to_owned();
        assert_eq!(first.score < 0.5, is_lost(&question), "{question}: {first:?}");
        judged += usize::from(record.elsewhere().is_some());
    }
    judged
}
