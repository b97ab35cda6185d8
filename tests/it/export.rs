//! The log as a file, and what `rungs verify` says of it.

use std::path::Path;

use rungs::config::LogConfig;
use rungs::decisions::{Feedback, open};
use serde_json::{Value, json};

use crate::support::command::{json_of, rungs, said, text};
use crate::support::model::saying;
use crate::support::record::{full_record, settled};
use crate::support::router::{Router, error, header};

/// A configuration file whose log has four records, written by two routers one after the other.
async fn log(folder: &Path) -> std::path::PathBuf {
    for start in [0, 2] {
        let store = open(&LogConfig::default(), folder).await.unwrap();
        for n in start..start + 2 {
            store.append(full_record(n)).await.unwrap();
        }
        let said = Feedback {
            id: start.to_string(),
            decision_id: full_record(start).id,
            at: full_record(start).at,
            score: 0.5,
            comment: None,
        };
        store.add_feedback(&said).await.unwrap();
        settled(&*store).await;
        store.close().await.unwrap();
    }
    let file = folder.join("rungs.toml");
    std::fs::write(&file, format!("[log]\nurl = \"sqlite://{}\"", folder.join("rungs.db").display())).unwrap();
    file
}

#[tokio::test]
async fn an_export_is_verified_and_a_changed_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = log(folder.path()).await;
    let out = folder.path().join("log.jsonl");
    let (printed, told) = said(&["export", "--config", text(&config), "--out", text(&out)]);
    assert_eq!((printed.as_str(), told.contains("4 records to ")), ("", true), "{told}");
    let exported = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["answer"], &lines[0]["feedback"][0]["score"]), (&json!("it's 42\n"), &json!(0.5)));
    assert_eq!(lines[1].get("feedback"), None);

    let sound = json_of(&["verify", text(&out), "--json"]);
    assert_eq!((&sound["records"], &sound["writers"], &sound["first"]), (&json!(4), &json!(2), &Value::Null));
    let altered = folder.path().join("altered.jsonl");
    let id = lines[2]["id"].as_str().unwrap();
    std::fs::write(&altered, exported.replace("\"cost_usd\":0.00012", "\"cost_usd\":0.00001")).unwrap();
    let output = rungs(&["verify", text(&altered)]);
    let (printed, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    let first = lines[0]["id"].as_str().unwrap();
    assert!(printed.contains("ALTERED") && told.contains(first) && told.contains("altered.jsonl:1"), "{printed}{told}");

    let missing = folder.path().join("missing.jsonl");
    std::fs::write(&missing, exported.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
    let begun = json_of(&["verify", text(&missing), "--json"]);
    assert_eq!((&begun["begun_later"], &begun["first"]), (&json!(1), &Value::Null));
    assert_ne!(id, first);
}

#[tokio::test]
async fn only_what_is_newer_is_exported_and_other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = log(folder.path()).await;
    let (printed, _) = said(&["export", "--config", text(&config), "--since", "2026-03-04T05:06:09Z"]);
    assert_eq!(printed.lines().count(), 2);
    let output = rungs(&["export", "--config", text(&config), "--since", "soon"]);
    assert_eq!(output.status.code(), Some(2));
    let output = rungs(&["verify", text(&config)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("rungs.toml:1: not a JSON object"));
}

#[tokio::test]
async fn feedback_refers_to_a_decision_and_leaves_it_as_it_was() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let router = Router::over(&format!("{}/v1", small.uri()), &format!("{}/v1", large.uri())).await;
    let answer = router.ask("easy", json!({})).await;
    let id = header(&answer, "x-rungs-decision-id");
    let before = router.record(&answer).await;
    let give = |body: Value| router.client.post(format!("{}/v1/feedback", router.url)).json(&body).send();
    let given = give(json!({"decision_id": id, "score": 0.25, "comment": "wrong"})).await.unwrap();
    assert_eq!(given.status(), 201);
    assert_eq!(router.record(&answer).await, before);
    let one: Value = router.get(&format!("/v1/decisions/{id}")).await.json().await.unwrap();
    assert_eq!((&one["id"], &one["feedback"][0]["comment"]), (&json!(id), &json!("wrong")));
    assert_eq!(one["receipt"]["sequence"], 1);
    for (body, status, code) in [
        (json!({"decision_id": "nothing", "score": 1}), 404, "decision_not_found"),
        (json!({"decision_id": id, "score": 1.5}), 400, ""),
        (json!({"decision_id": id}), 400, ""),
        (json!({"decision_id": id, "score": 1, "socre": 1}), 400, ""),
    ] {
        assert_eq!(error(give(body.clone()).await.unwrap()).await, (status, code.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_report_counts_every_call_and_tells_savings_apart() {
    let folder = tempfile::tempdir().unwrap();
    let config = log(folder.path()).await;
    let page = folder.path().join("report.html");
    let report = json_of(&["report", "--config", text(&config), "--json", "--html", text(&page)]);
    let total = &report["total"];
    let close = |name: &str, usd: f64| (total[name].as_f64().unwrap() - usd).abs() < 1e-12;
    // Four requests of two attempts at .06 thousandths each; the frontier alone at .5 thousandths.
    assert!(
        close("cost_usd", 0.000_48) && close("frontier_usd", 0.002) && close("routing_saved_usd", 0.001_52),
        "{total}"
    );
    assert!(close("cache_saved_usd", -0.000_04) && close("escalated", 1.0), "{total}");
    assert_eq!((&total["requests"], &total["quality"]["judged"]), (&json!(4), &json!(2)));
    assert_eq!(report["by_route"]["support"]["requests"], 4);
    let (text, _) = said(&["report", "--config", text(&config)]);
    assert!(text.contains("saved by routing") && text.contains("76.0% of always frontier"), "{text}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("By tenant") && !page.contains("{{"), "{page}");
}

#[tokio::test]
async fn what_always_frontier_and_caches_mean_is_in_the_record() {
    let (small, large) = (saying("from small").await, saying("from large").await);
    let (small, large) = (format!("{}/v1", small.uri()), format!("{}/v1", large.uri()));
    let router = Router::with(&crate::support::router::two_tiers_at(3.0, "", &small, &large)).await;
    let record = router.record(&router.ask("easy", json!({})).await).await;
    let is = |usd: Option<f64>, micro: f64| (usd.unwrap() * 1e6 - micro).abs() < 1e-6;
    // 60 × 1 + 40 × .5 + 10 × 2 at `small`, three times that at `large`; uncached 40 × .5 more.
    assert!(
        is(record.cost_usd, 100.0) && is(record.frontier_usd, 300.0) && is(record.cache_saved_usd, 20.0),
        "{record:?}"
    );
}

#[tokio::test]
async fn a_table_has_a_row_for_each_record() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let folder = tempfile::tempdir().unwrap();
    let config = log(folder.path()).await;
    let out = folder.path().join("log.parquet");
    let (_, told) = said(&["export", "--config", text(&config), "--format", "parquet", "--out", text(&out)]);
    assert!(told.contains("4 records to "), "{told}");
    let reader = SerializedFileReader::new(std::fs::File::open(&out).unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    let cell = |row: usize, name: &str| {
        rows[row].get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field.clone()).unwrap()
    };
    let words = |row: usize, name: &str| match cell(row, name) {
        Field::Str(text) => text,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!((words(0, "tier"), words(0, "answer")), ("large".to_owned(), "it's 42\n".to_owned()));
    assert_eq!((cell(0, "streamed"), cell(0, "input_tokens")), (Field::Bool(true), Field::Long(118)));
    assert_eq!((cell(0, "cost_usd"), cell(1, "feedback")), (Field::Double(0.000_12), Field::Null));
    assert_eq!(cell(0, "at"), Field::TimestampMicros(full_record(0).at.as_microsecond()));
    let json = |name| serde_json::from_str::<Value>(&words(0, name)).unwrap();
    assert_eq!(
        (json("record")["id"].as_str().unwrap(), &json("feedback")[0]["score"]),
        (&*words(0, "id"), &json!(0.5))
    );
    assert_eq!(json("request")["model"], "auto");
}

#[tokio::test]
async fn labelled_queries_are_read_as_train_reads_them() {
    use rungs::labelled::{OnBad, Reader};
    let folder = tempfile::tempdir().unwrap();
    let config = log(folder.path()).await;
    let out = folder.path().join("labelled.jsonl");
    let (_, told) = said(&["export", "--config", text(&config), "--format", "labelled", "--out", text(&out)]);
    assert!(told.contains("4 labelled queries of 4 records"), "{told}");
    let queries: Vec<_> = Reader::open(&[out], OnBad::Stop).unwrap().map(Result::unwrap).collect();
    let query = &queries[0];
    assert_eq!((query.route.as_deref(), query.cluster()), (Some("support"), "task-1"));
    // What somebody said outranks the check that passed; of the answer that climbed only the check speaks.
    assert_eq!((query.outcomes["large"].score, query.outcomes["small"].score), (0.5, 1.0));
    assert_eq!(query.outcomes["large"].answer.as_deref(), Some("it's 42\n"));
}
