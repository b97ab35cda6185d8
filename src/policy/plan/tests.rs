use super::*;
use crate::chat::Usage;
use crate::config::Price;
use crate::difficulty::Acceptability;

pub(in crate::policy) fn tier(name: &str, context_window: Option<u64>) -> TierConfig {
    let toml = format!("name = \"{name}\"\nbase_url = \"http://localhost\"\nmodel = \"{name}-1\"");
    TierConfig { context_window, ..toml::from_str(&toml).unwrap() }
}

fn tiers() -> Vec<TierConfig> {
    vec![tier("small", Some(1_000)), tier("middle", Some(10_000)), tier("large", Some(100_000))]
}

fn ask(high: u64) -> Ask<'static> {
    let expected = Usage::new(high, 100);
    let tokens = Tokens { high, low: high * 3 / 5, expected };
    let fallback = Fallback::Cheap;
    Ask {
        direct: None,
        score: None,
        fallback,
        checked: true,
        confidence: &[],
        stay: None,
        tokens,
        needs: &[],
        tiers: &[],
        max_tier: None,
        rules: Rules::default(),
        min_quality: None,
        max_cost_usd: None,
    }
}

#[test]
fn the_score_decides_and_the_climb_goes_to_the_top() {
    let score = |p: f64| {
        let heads = [("a", p), ("b", 0.9)].map(|(name, p)| (name.to_owned(), Acceptability::new(p)));
        Score { p: heads.into_iter().collect(), score: 0.9 - p, novelty: None }
    };
    let (easy, hard) = (score(0.8), score(0.2));
    let at = |score| plan(&tiers(), &Ask { score: Some((score, 0.5)), ..ask(100) }).unwrap();
    assert_eq!(at(&easy).rungs, ["small", "middle", "large"]);
    assert_eq!((at(&easy).cause, at(&easy).propensity), (Cause::Score, 1.0));
    assert_eq!(at(&hard).rungs, ["large"]);
}

#[test]
fn without_a_signal_the_fallback_decides() {
    assert_eq!(plan(&tiers(), &ask(100)).unwrap().rungs, ["small", "middle", "large"]);
    let frontier = plan(&tiers(), &Ask { fallback: Fallback::Frontier, ..ask(100) }).unwrap();
    assert_eq!((frontier.rungs, frontier.cause), (vec!["large".to_owned()], Cause::Fallback));
}

#[test]
fn tiers_that_cannot_hold_the_conversation_are_left_out() {
    let long = plan(&tiers(), &ask(5_000)).unwrap();
    assert_eq!((long.rungs, long.cause), (vec!["middle".to_owned(), "large".to_owned()], Cause::ContextWindow));
    // The careful estimate fits nowhere, the lean one in the largest.
    assert_eq!(plan(&tiers(), &ask(150_000)).unwrap().rungs, ["large"]);
    let error = plan(&tiers(), &ask(200_000)).unwrap_err();
    assert_eq!(error, PlanError::ContextLength { needed: 120_000, window: 100_000 });
    let direct = plan(&tiers(), &Ask { direct: Some("small"), ..ask(2_000) }).unwrap_err();
    assert_eq!(direct, PlanError::ContextLength { needed: 1_200, window: 1_000 });
}

#[test]
fn a_large_cheap_tier_takes_what_the_small_frontier_cannot() {
    let tiers = [tier("small", None), tier("large", Some(1_000))];
    let long = plan(&tiers, &Ask { fallback: Fallback::Frontier, ..ask(5_000) }).unwrap();
    assert_eq!((long.rungs, long.cause), (vec!["small".to_owned()], Cause::ContextWindow));
}

#[test]
fn a_named_tier_is_the_only_rung_and_is_not_checked() {
    let direct = plan(&tiers(), &Ask { direct: Some("middle"), ..ask(100) }).unwrap();
    assert_eq!(direct, Plan { rungs: vec!["middle".into()], checked: false, cause: Cause::Direct, propensity: 1.0 });
    let unknown = plan(&tiers(), &Ask { direct: Some("huge"), ..ask(100) });
    assert_eq!(unknown, Err(PlanError::UnknownTier("huge".to_owned())));
}

#[test]
fn no_tier_is_planned_that_costs_more_than_the_request_may() {
    let mut tiers = tiers();
    for (tier, output) in tiers.iter_mut().zip([1.0, 10.0]) {
        tier.price = Some(Price::new(0.0, output));
    }
    // 100 tokens of answer: small costs 1e-4, middle 1e-3, and large, without prices, counts as free.
    let at = |max: f64, ask: Ask<'_>| plan(&tiers, &Ask { max_cost_usd: Some(max), ..ask });
    assert_eq!(at(1e-3, ask(100)).unwrap().rungs, ["small", "middle", "large"]);
    assert_eq!(at(5e-4, ask(100)).unwrap().rungs, ["small", "middle", "large"]);
    let skipped = at(1e-5, ask(100)).unwrap();
    assert_eq!((skipped.rungs, skipped.cause), (vec!["large".to_owned()], Cause::MaxCost));
    let up_to_middle = Ask { max_tier: Some("middle"), fallback: Fallback::Frontier, ..ask(100) };
    let down = at(5e-4, up_to_middle).unwrap();
    assert_eq!((down.rungs, down.cause), (vec!["small".to_owned(), "middle".to_owned()], Cause::MaxCost));
    let none = PlanError::Cost { expected_usd: 1e-4, max_usd: 1e-5 };
    assert_eq!(at(1e-5, up_to_middle), Err(none.clone()));
    assert_eq!(at(1e-5, Ask { direct: Some("small"), ..ask(100) }), Err(none));
}

#[test]
fn tiers_that_lack_what_is_needed_are_left_out() {
    let mut tiers = tiers();
    tiers[0].lacks = vec![Capability::Vision];
    tiers[2].lacks = vec![Capability::Vision];
    let seeing = Ask { needs: &[Capability::Vision], ..ask(100) };
    let planned = plan(&tiers, &seeing).unwrap();
    assert_eq!((planned.rungs, planned.cause), (vec!["middle".to_owned()], Cause::Capability));
    let blind = vec!["small".to_owned()];
    assert_eq!(plan(&tiers, &Ask { tiers: &blind, ..ask(100) }).unwrap().rungs, ["small"]);
    let elsewhere = Ask { tiers: &blind, direct: Some("large"), ..ask(100) };
    assert_eq!(plan(&tiers, &elsewhere), Err(PlanError::Forbidden(blind.clone())));
    let none = Err(PlanError::Capability(vec![Capability::Vision]));
    assert_eq!(plan(&tiers, &Ask { direct: Some("small"), ..seeing }), none);
    assert_eq!(plan(&tiers, &Ask { max_tier: Some("small"), ..seeing }), none);
}

#[test]
fn a_floor_of_quality_raises_the_start_as_far_as_any_tier_goes() {
    let p = [("a", 0.6), ("b", 0.8), ("c", 0.9)].map(|(name, p)| (name.to_owned(), Acceptability::new(p)));
    let score = Score { p: p.into_iter().collect(), score: 0.3, novelty: None };
    let at = |min: f64| {
        let ask = Ask { score: Some((&score, 1.0)), min_quality: Some(min), ..ask(100) };
        let planned = plan(&tiers(), &ask).unwrap();
        (planned.rungs[0].clone(), planned.cause)
    };
    assert_eq!(at(0.5), ("small".to_owned(), Cause::Score));
    assert_eq!(at(0.7), ("middle".to_owned(), Cause::Floor));
    assert_eq!(at(0.99), ("large".to_owned(), Cause::Floor));
    let blind = plan(&tiers(), &Ask { min_quality: Some(0.1), ..ask(100) }).unwrap();
    assert_eq!(blind.rungs, ["large"], "without a score nobody knows");
}

#[test]
fn a_routes_rules_bind_the_router_and_not_a_client_that_names_a_tier() {
    let rules = |min_tier, max_tier| Ask { rules: Rules { min_tier, max_tier }, ..ask(100) };
    let high = plan(&tiers(), &rules(Some("large"), None)).unwrap();
    assert_eq!((high.rungs, high.cause), (vec!["large".to_owned()], Cause::Floor));
    let low = Ask { fallback: Fallback::Frontier, ..rules(None, Some("small")) };
    assert_eq!(plan(&tiers(), &low).unwrap().rungs, ["small"]);
    assert_eq!(plan(&tiers(), &Ask { direct: Some("large"), ..low }).unwrap().rungs, ["large"]);
    let between = Ask { max_tier: Some("small"), ..rules(Some("middle"), None) };
    assert_eq!(plan(&tiers(), &between).unwrap().rungs, ["small"], "the client's ceiling outranks the floor");
}

#[test]
fn the_clients_ceiling_holds() {
    let low = plan(&tiers(), &Ask { max_tier: Some("middle"), fallback: Fallback::Frontier, ..ask(100) }).unwrap();
    assert_eq!((low.rungs, low.cause), (vec!["middle".to_owned()], Cause::Fallback));
    let above = plan(&tiers(), &Ask { max_tier: Some("small"), direct: Some("large"), ..ask(100) });
    assert!(matches!(above, Err(PlanError::AboveCeiling { .. })));
    let unknown = plan(&tiers(), &Ask { max_tier: Some("huge"), ..ask(100) });
    assert_eq!(unknown, Err(PlanError::UnknownCeiling("huge".to_owned())));
}
