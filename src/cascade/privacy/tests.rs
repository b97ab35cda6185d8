use super::*;

fn privacy(toml: &str) -> Privacy {
    Privacy::new(&toml::from_str(toml).unwrap())
}

fn record() -> DecisionRecord {
    serde_json::from_value(json!({
        "id": "d", "at": "2026-01-02T03:04:05Z", "route": "r", "requested_model": "auto", "cause": "score", "p": {},
        "rungs": [], "propensity": 1.0, "outcome": "failed", "escalations": 0, "streamed": false, "stand_in": false,
        "usage": {"input_tokens": 1, "output_tokens": 2}, "latency_ms": 1.5, "decide_ms": 0.5, "config": "c",
        "metadata": {"user": "ann@example.com"}, "answer": "write to ann@example.com",
        "error": "the tier `a` answered with status 400: do not ask about ann@example.com",
        "request": {"messages": [{"role": "user", "content": [{"text": "I am ann@example.com, card 4111"}]}], "n": 1},
        "attempts": [],
    }))
    .unwrap()
}

async fn applied(toml: &str, content: Content) -> DecisionRecord {
    let mut record = record();
    privacy(toml).apply(&mut record, content).await;
    record
}

const PATTERNS: &str = r#"
[[redaction.patterns]]
pattern = '\w+@(\w+)\.com'
replace = "[at $1]"
[[redaction.patterns]]
pattern = '\d{4}'
"#;

#[tokio::test]
async fn patterns_are_taken_out_of_every_text() {
    let record = applied(PATTERNS, Content::Full).await;
    assert_eq!(record.request.unwrap()["messages"][0]["content"][0]["text"], "I am [at example], card [removed]");
    assert_eq!(
        (record.answer.as_deref(), &record.metadata["user"]),
        (Some("write to [at example]"), &json!("[at example]"))
    );
    assert!(record.error.unwrap().ends_with("status 400: do not ask about [at example]"));
    assert_eq!((record.redaction_error, record.content_sha256), (None, None));
}

#[tokio::test]
async fn hashes_stand_for_content_and_a_key_makes_them_unguessable() {
    let plain = applied("", Content::Hashed).await;
    assert_eq!((&plain.request, &plain.answer), (&None, &None));
    let hashes = plain.content_sha256.clone().unwrap();
    // printf '"write to ann@example.com"' | sha256sum
    assert_eq!(hashes.answer.as_deref(), Some("6dcffaf9cb85605ebd30ebb31ea2dc9e4219e586e6da00a4a5570f7667ca4144"));
    assert_eq!(hashes, applied("", Content::Hashed).await.content_sha256.unwrap());
    assert_eq!(plain.error.as_deref(), Some("the tier `a` answered with status 400"));
    let keyed = receipt::keyed_digest(&json!("x"), Some(b"key"));
    assert!(
        keyed != receipt::keyed_digest(&json!("x"), None)
            && keyed != receipt::keyed_digest(&json!("x"), Some(b"other"))
    );
}

#[tokio::test]
async fn nothing_is_stored_where_nothing_is_to_be() {
    let record = applied("", Content::None).await;
    assert_eq!((record.request, record.answer, record.content_sha256), (None, None, None));
    assert_eq!(record.error.as_deref(), Some("the tier `a` answered with status 400"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_gives_back_what_is_stored() {
    let record = applied("[redaction]\ncommand = ['sed', 's/ann@example.com/somebody/g']", Content::Full).await;
    assert_eq!((record.answer.as_deref(), record.redaction_error), (Some("write to somebody"), None));
    assert_eq!(record.request.unwrap()["n"], 1);
    let dropped = applied("[redaction]\ncommand = ['sh', '-c', 'cat >/dev/null; echo {}']", Content::Full).await;
    assert_eq!((dropped.request, dropped.answer, dropped.metadata.len()), (None, None, 0));
}

#[cfg(unix)]
#[tokio::test]
async fn content_that_could_not_be_redacted_is_what_the_policy_says() {
    for (command, says) in [
        ("['sleep', '60']", "took longer than 0.2 s"),
        ("['false']", "ended with"),
        ("['cat', '/dev/null']", "something else"),
        ("['/nowhere/redact']", "cannot be started"),
    ] {
        let toml = format!("[redaction]\ntimeout_s = 0.2\ncommand = {command}");
        let record = applied(&toml, Content::Full).await;
        let error = record.redaction_error.unwrap();
        assert!(error.contains(says), "{command}: {error}");
        assert_eq!((record.request, record.answer, record.metadata.len()), (None, None, 0), "{command}");
    }
    let hashed = applied("[redaction]\ncommand = ['false']\non_failure = 'hash'", Content::Full).await;
    assert!(hashed.content_sha256.is_some() && hashed.answer.is_none() && hashed.metadata.is_empty());
    let kept = applied("[redaction]\ncommand = ['false']\non_failure = 'keep'", Content::Full).await;
    assert!(kept.answer.is_some() && kept.redaction_error.is_some());
}

#[tokio::test]
async fn an_endpoint_gives_back_what_is_stored() {
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};
    let server = MockServer::start().await;
    let stored = json!({"request": {"messages": []}, "answer": "nothing", "metadata": {}});
    let reply = ResponseTemplate::new(200).set_body_json(stored);
    Mock::given(method("POST")).respond_with(reply).up_to_n_times(1).mount(&server).await;
    let toml = format!("[redaction]\ntimeout_s = 10\nurl = '{}'", server.uri());
    assert_eq!(applied(&toml, Content::Full).await.answer.as_deref(), Some("nothing"));
    let failed = applied(&toml, Content::Full).await;
    assert!(failed.redaction_error.unwrap().contains("404") && failed.answer.is_none());
}
