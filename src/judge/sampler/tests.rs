use serde_json::json;

use super::*;

fn config(more: &str) -> Config {
    let judge =
        "[judge.tier]\nname = 'judge'\nmodel = 'j'\nbase_url = 'http://j'\nprice = { input = 1.0, output = 1.0 }";
    toml::from_str(&format!("{more}\n{judge}")).unwrap()
}

fn record(n: usize) -> DecisionRecord {
    serde_json::from_value(json!({
        "id": format!("0197f000-0000-7000-8000-{n:012x}"), "at": "2026-01-02T03:04:05Z", "requested_model": "auto",
        "cause": "score", "p": {"small": 0.5, "large": 0.9}, "rungs": ["small", "large"], "propensity": 1.0,
        "outcome": "served", "tier": "small", "escalations": 0, "streamed": false, "stand_in": false,
        "usage": {"input_tokens": 1000, "output_tokens": 100}, "cost_usd": 0.001, "latency_ms": 1.5, "decide_ms": 0.5,
        "config": "c", "request": {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}, "answer": "yes", "attempts": []
    }))
    .unwrap()
}

fn frontier(price: f64) -> TierConfig {
    toml::from_str(&format!(
        "name = 'large'\nmodel = 'l'\nbase_url = 'http://l'\nprice = {{ input = {price:?}, output = {price:?} }}"
    ))
    .unwrap()
}

fn uncapped() -> Config {
    config("[judge]\nmax_spend_share = 1000.0")
}

#[test]
fn requests_are_drawn_as_often_as_their_records_say() {
    let sampler = Sampler::new(&uncapped(), Some(&frontier(10.0)));
    let drawn: Vec<Sampling> = (0..50_000).map(|n| sampler.draw(&record(n)).unwrap()).collect();
    let share = |stream| drawn.iter().filter(|one| one.drawn.contains(&stream)).count() as f64 / 50_000.0;
    assert!((share(Stream::Monitor) - 0.01).abs() < 0.0015, "{}", share(Stream::Monitor));
    assert!((share(Stream::Learn) - 0.04).abs() < 0.003, "{}", share(Stream::Learn));
    let either = drawn.iter().filter(|one| !one.drawn.is_empty()).count() as f64 / 50_000.0;
    assert!((either - 0.0496).abs() < 0.003 && (drawn[0].propensity - 0.0496).abs() < 1e-12, "{either}");
    assert_eq!(sampler.draw(&record(7)), Sampler::new(&uncapped(), Some(&frontier(10.0))).draw(&record(7)));
}

#[test]
fn what_is_hard_to_tell_is_learned_from_more_often() {
    let sampler = Sampler::new(&uncapped(), None);
    let learn = |p: f64| {
        let p = [("small".to_owned(), crate::difficulty::Acceptability::new(p))].into_iter().collect();
        sampler.draw(&DecisionRecord { p, ..record(1) }).unwrap().learn
    };
    assert!((learn(0.5) - 0.04).abs() < 1e-12 && (learn(1.0) - 0.012).abs() < 1e-12);
    // .04 · (.7 · 2 · √.09 + .3)
    assert!((learn(0.9) - 0.028_8).abs() < 1e-12, "{}", learn(0.9));
    let unscored = DecisionRecord { p: IndexMap::new(), ..record(1) };
    assert!((sampler.draw(&unscored).unwrap().learn - 0.04).abs() < 1e-12);
}

#[test]
fn routes_have_rates_of_their_own() {
    let routes = "[routes.a.judge]\nmonitor_rate = 1.0\n[routes.b.judge]\nmonitor_rate = 0.0\nlearn_rate = 0.0";
    let sampler = Sampler::new(&config(&format!("[judge]\nmax_spend_share = 1000.0\n{routes}")), None);
    let of = |route: &str| sampler.draw(&DecisionRecord { route: Some(route.to_owned()), ..record(1) });
    assert!(of("a").unwrap().drawn.contains(&Stream::Monitor));
    assert_eq!((of("b"), of("c").unwrap().monitor), (None, 0.01));
}

#[test]
fn what_cannot_be_judged_is_not_drawn() {
    let sampler = Sampler::new(&uncapped(), None);
    let none = [
        DecisionRecord { outcome: Outcome::Failed, ..record(1) },
        DecisionRecord { stand_in: true, ..record(1) },
        DecisionRecord { request: None, ..record(1) },
        DecisionRecord { request: Some(json!("the hash of it")), ..record(1) },
        DecisionRecord { answer: Some(" ".to_owned()), ..record(1) },
    ];
    assert!(none.iter().all(|record| sampler.draw(record).is_none()));
    let nobody: Config = toml::from_str("[routes.a.judge]\nmust_match = 'x'").unwrap();
    let sampler = Sampler::new(&nobody, None);
    assert_eq!(sampler.draw(&record(1)), None);
    assert!(sampler.draw(&DecisionRecord { route: Some("a".to_owned()), ..record(1) }).is_some());
}

#[test]
fn only_what_the_highest_tier_answered_is_put_to_the_cheapest() {
    let config = config("[judge]\nmax_spend_share = 1000.0\nlearn_rate = 1.0");
    let sampler = Sampler::new(&config, Some(&frontier(1.0)));
    assert!(!sampler.draw(&record(1)).unwrap().shadow);
    assert!(sampler.draw(&DecisionRecord { tier: Some("large".to_owned()), ..record(1) }).unwrap().shadow);
}

#[test]
fn what_is_observed_is_put_to_the_tier_where_it_would_have_begun() {
    let observed = |tier: &str, rungs: &[&str]| DecisionRecord {
        tier: Some(tier.to_owned()),
        p: IndexMap::new(),
        observed: Some(serde_json::from_value(json!({"rungs": rungs, "cause": "score", "cost_usd": null})).unwrap()),
        ..record(1)
    };
    let of = |record: &DecisionRecord, more: &str| {
        let config = config(&format!("[judge]\nmax_spend_share = 1000.0\nlearn_rate = 1.0\n{more}"));
        let sampling = Sampler::new(&config, Some(&frontier(1.0))).draw(record).unwrap();
        assert_eq!(sampling.shadow, sampling.counterfactual > 0.0);
        sampling.counterfactual
    };
    assert!(of(&observed("large", &["small", "large"]), "") > 0.9);
    assert!(of(&observed("small", &["large"]), "") > 0.9, "upwards, too");
    assert_eq!(of(&observed("small", &["small", "large"]), ""), 0.0, "it is where it would have been");
    assert_eq!(of(&observed("large", &["small"]), "counterfactual = false"), 0.0);
}

#[test]
fn the_cap_lowers_the_rates_and_keeps_the_expected_spending_below_it() {
    let sampler = Sampler::new(&config("[judge]\nmonitor_rate = 0.5"), Some(&frontier(5.0)));
    let (mut spent, mut judged, mut expected) = (0.0, 0.0, 0.0);
    for n in 0..20_000 {
        let sampling = sampler.draw(&record(n)).unwrap_or_else(|| panic!("request {n} has no probability"));
        // An answer of the frontier's, and 1.1 times what the judge reads and writes.
        let price = (1100.0 * 5.0 + 1.1 * (1500.0 + 120.0)) / 1e6;
        spent += 0.001;
        expected += sampling.propensity * price;
        judged += if sampling.drawn.is_empty() { 0.0 } else { price };
        assert!(sampling.capped < 1.0 && (sampling.monitor - 0.5 * sampling.capped).abs() < 1e-12);
    }
    assert!(0.02 * spent < expected && expected <= 0.03 * spent, "{expected} of {spent}");
    // Three standard errors of what chance makes of some seventy draws; the worker keeps to the cap itself.
    assert!((judged / expected - 1.0).abs() < 0.36, "{judged} of {expected}");
}
