//! Puts the rule, the windows and the client's own limits together.

use super::heads::per_tier;
use super::needs::can;
use super::rule::{start, start_checked};
use super::{Capability, Cause, Plan, Stay, Tokens};
use crate::config::{Fallback, TierConfig};
use crate::difficulty::{ConfidenceModel, Score};

/// What is to be planned.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The tier that the client named; `None` when the router chooses.
    pub direct: Option<&'a str>,
    /// The score and the threshold that it is compared with; `None` when there is no score to be trusted.
    pub score: Option<(&'a Score, f64)>,
    /// Where to start without a score.
    pub fallback: Fallback,
    /// Whether answers below the ceiling are checked.
    pub checked: bool,
    /// What is known of the worth of seeing an answer first; empty where the start is to be by the score alone.
    pub confidence: &'a [ConfidenceModel],
    /// What speaks for staying at a tier; `None` where there is nothing to stay at.
    pub stay: Option<&'a Stay>,
    /// What the tiers must hold.
    pub tokens: Tokens,
    /// What the tiers must be able to do.
    pub needs: &'a [Capability],
    /// The tiers that may be called for this client; empty for all.
    pub tiers: &'a [String],
    /// The highest tier that the client allows.
    pub max_tier: Option<&'a str>,
    /// What the route of the request allows; a client that names a tier is not bound by it.
    pub rules: Rules<'a>,
    /// The probability of an acceptable answer that the start must have, in [0, 1], where any tier has it.
    pub min_quality: Option<f64>,
    /// The most USD that a call may be expected to cost.
    pub max_cost_usd: Option<f64>,
}

/// The tiers that a route allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules<'a> {
    /// The lowest one.
    pub min_tier: Option<&'a str>,
    /// The highest one.
    pub max_tier: Option<&'a str>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// No tier that may be called holds the conversation.
    #[error("the conversation takes at least {needed} tokens with its answer; the largest context window is {window}")]
    ContextLength {
        /// Tokens needed, at the least.
        needed: u64,
        /// Tokens that the largest tier holds.
        window: u64,
    },
    /// The client's key may not call any tier that the request may go to.
    #[error("this key may only call these tiers: {}", .0.join(", "))]
    Forbidden(Vec<String>),
    /// No tier that may be called can do what the request needs.
    #[error("no tier that may be asked can do what the request needs: {}", names(.0))]
    Capability(Vec<Capability>),
    /// Every tier that may be called is expected to cost more than the request may.
    #[error("a call is expected to cost at least {expected_usd:.6} USD; the request may cost {max_usd:.6} USD")]
    Cost {
        /// What the cheapest call is expected to cost.
        expected_usd: f64,
        /// What the request may cost.
        max_usd: f64,
    },
    /// The client's ceiling is no tier.
    #[error("x-rungs-max-tier: there is no tier `{0}`")]
    UnknownCeiling(String),
    /// The client named a tier above its own ceiling.
    #[error("the tier `{tier}` is above the ceiling `{ceiling}` of x-rungs-max-tier")]
    AboveCeiling {
        /// The tier asked for.
        tier: String,
        /// The ceiling.
        ceiling: String,
    },
    /// There is no tier of that name.
    #[error("there is no tier `{0}`")]
    UnknownTier(String),
}

/// Plans one request over `tiers`, cheap → frontier: the start tier is the rule's, all tiers above it up to the
/// ceiling are the climb, and tiers that cannot hold the conversation are left out. A start that is expected to cost more
/// than the request may gives way to a cheaper one; what the climb may cost is for the climb to see, which knows more.
///
/// # Errors
/// When no tier may be called, or none that may holds the conversation at a cost that is allowed.
pub fn plan(tiers: &[TierConfig], ask: &Ask<'_>) -> Result<Plan, PlanError> {
    let allowed = ceiling(tiers, ask.max_tier)?;
    if let Some(name) = ask.direct {
        return direct(tiers, allowed, name, ask);
    }
    let allowed = ceiling(allowed, ask.rules.max_tier.filter(|name| allowed.iter().any(|tier| tier.name == *name)))?;
    let lowest = ask.rules.min_tier.and_then(|name| tiers.iter().position(|tier| tier.name == name)).unwrap_or(0);
    // A client's own ceiling outranks the floor of the route.
    let lowest = lowest.min(allowed.len().saturating_sub(1));
    let able = able(allowed, lowest, ask)?;
    let fitting = fitting(allowed, &able, ask.tokens)?;
    let climbs = ask.checked && fitting.last() == tiers.len().checked_sub(1).as_ref();
    let (wanted, cause) = wanted(tiers, ask, climbs);
    let floor = lowest.max(quality_floor(tiers, ask).unwrap_or(0));
    let (wanted, cause) = if floor > wanted { (floor, Cause::Floor) } else { (wanted, cause) };
    let wanted = wanted.min(allowed.len().saturating_sub(1));
    // Where only cheaper tiers hold it, the best of them.
    let holding = fitting.iter().find(|rung| **rung >= wanted).or(fitting.last()).copied().unwrap_or(wanted);
    let affordable = affordable(allowed, &fitting, ask)?;
    let start = affordable.iter().rfind(|rung| **rung <= holding).or(affordable.first()).copied().unwrap_or(holding);
    let cause = match start {
        _ if start != holding => Cause::MaxCost,
        _ if start != wanted && !able.contains(&wanted) => Cause::Capability,
        _ if start != wanted => Cause::ContextWindow,
        _ => cause,
    };
    let rungs = fitting.into_iter().filter(|rung| *rung >= start);
    let rungs = rungs.map(|rung| tiers[rung].name.clone()).collect();
    Ok(Plan { rungs, checked: ask.checked, cause, propensity: 1.0 })
}

/// The tiers up to the client's ceiling.
fn ceiling<'a>(tiers: &'a [TierConfig], max_tier: Option<&str>) -> Result<&'a [TierConfig], PlanError> {
    let Some(name) = max_tier else { return Ok(tiers) };
    let top = tiers.iter().position(|tier| tier.name == name);
    top.map(|top| &tiers[..=top]).ok_or_else(|| PlanError::UnknownCeiling(name.to_owned()))
}

fn direct(tiers: &[TierConfig], allowed: &[TierConfig], name: &str, ask: &Ask<'_>) -> Result<Plan, PlanError> {
    let Some(tier) = tiers.iter().find(|tier| tier.name == name) else {
        return Err(PlanError::UnknownTier(name.to_owned()));
    };
    if !allowed.iter().any(|allowed| allowed.name == name) {
        let ceiling = ask.max_tier.unwrap_or_default().to_owned();
        return Err(PlanError::AboveCeiling { tier: name.to_owned(), ceiling });
    }
    let only = std::slice::from_ref(tier);
    affordable(only, &fitting(only, &able(only, 0, ask)?, ask.tokens)?, ask)?;
    Ok(Plan { rungs: vec![name.to_owned()], checked: false, cause: Cause::Direct, propensity: 1.0 })
}

/// Where the request would start if every tier held it; `climbs` says whether an answer can be climbed from to the last.
fn wanted(tiers: &[TierConfig], ask: &Ask<'_>, climbs: bool) -> (usize, Cause) {
    let scored = ask.score.and_then(|(score, threshold)| Some((per_tier(tiers, score)?, threshold)));
    if let Some((p, threshold)) = scored {
        let p: Vec<f64> = p.values().map(|p| p.get()).collect();
        let prices = prices(tiers, ask.tokens);
        let worth = |m: usize, gain: f64, price: f64| {
            let (tier, last) = (tiers.get(m)?.head(), tiers.last()?.head());
            let speaks =
                |model: &&ConfidenceModel| model.tier() == tier && model.tiers.last().is_some_and(|to| to == last);
            ask.confidence.iter().find(speaks).filter(|_| climbs)?.worth(gain, price)
        };
        let (wanted, cause) = match start_checked(&p, &prices, threshold, worth) {
            Some(start) => (start, Cause::Worth),
            None => (start(&p, &prices, threshold), Cause::Score),
        };
        let stays = ask.stay.and_then(|stay| stay.instead_of(wanted, tiers, &p, &prices, threshold));
        return stays.map_or((wanted, cause), |rung| (rung, Cause::Sticky));
    }
    let rung = match ask.fallback {
        Fallback::Cheap => 0,
        Fallback::Frontier => tiers.len().saturating_sub(1),
    };
    (rung, Cause::Fallback)
}

fn prices(tiers: &[TierConfig], tokens: Tokens) -> Vec<Option<f64>> {
    tiers.iter().map(|tier| Some(tier.price_now()?.cost_usd(tokens.expected))).collect()
}

/// Those of the fitting tiers that are not expected to cost more than the request may; one without prices counts as free.
fn affordable(tiers: &[TierConfig], fitting: &[usize], ask: &Ask<'_>) -> Result<Vec<usize>, PlanError> {
    let max_usd = ask.max_cost_usd.unwrap_or(f64::INFINITY);
    let cost = |rung: usize| tiers[rung].price_now().map_or(0.0, |price| price.cost_usd(ask.tokens.expected));
    let affordable: Vec<usize> = fitting.iter().copied().filter(|rung| cost(*rung) <= max_usd).collect();
    if affordable.is_empty() {
        let expected_usd = fitting.iter().map(|rung| cost(*rung)).fold(f64::INFINITY, f64::min);
        return Err(PlanError::Cost { expected_usd, max_usd });
    }
    Ok(affordable)
}

/// The cheapest tier whose answer is acceptable with the probability asked for, else the one that is likeliest to be.
/// Without a score nobody knows, and it is the last one.
fn quality_floor(tiers: &[TierConfig], ask: &Ask<'_>) -> Option<usize> {
    let floor = ask.min_quality?;
    let scored = ask.score.and_then(|(score, _)| per_tier(tiers, score));
    let Some(p) = scored else { return Some(tiers.len().saturating_sub(1)) };
    let p: Vec<f64> = p.values().map(|p| p.get()).collect();
    let best = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    p.iter().position(|p| *p >= floor.min(best))
}

/// The tiers from `lowest` up that the client may call and that can do what the request needs.
fn able(tiers: &[TierConfig], lowest: usize, ask: &Ask<'_>) -> Result<Vec<usize>, PlanError> {
    let is_open = |rung: &usize| ask.tiers.is_empty() || ask.tiers.contains(&tiers[*rung].name);
    let open: Vec<usize> = (lowest..tiers.len()).filter(is_open).collect();
    if open.is_empty() && !tiers.is_empty() {
        return Err(PlanError::Forbidden(ask.tiers.to_vec()));
    }
    let able: Vec<usize> = open.iter().copied().filter(|rung| can(&tiers[*rung], ask.needs)).collect();
    if able.is_empty() && !open.is_empty() {
        return Err(PlanError::Capability(ask.needs.to_vec()));
    }
    Ok(able)
}

fn names(needs: &[Capability]) -> String {
    needs.iter().map(|need| need.name()).collect::<Vec<_>>().join(", ")
}

/// Those of the able tiers that hold the conversation by the careful estimate; where none does, the largest, unless even
/// the lean estimate is too much for it.
fn fitting(tiers: &[TierConfig], able: &[usize], tokens: Tokens) -> Result<Vec<usize>, PlanError> {
    let window = |rung: &usize| tiers[*rung].context_window.unwrap_or(u64::MAX);
    let careful: Vec<usize> = able.iter().copied().filter(|rung| window(rung) >= tokens.high).collect();
    if !careful.is_empty() {
        return Ok(careful);
    }
    match able.iter().copied().max_by_key(|rung| window(rung)) {
        Some(largest) if window(&largest) >= tokens.low => Ok(vec![largest]),
        largest => Err(PlanError::ContextLength { needed: tokens.low, window: largest.as_ref().map_or(0, window) }),
    }
}

#[cfg(test)]
pub(super) mod tests;
