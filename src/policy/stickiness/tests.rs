use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

const AHEAD: Horizon = Horizon { turns: 2, discount: 0.9 };

fn caching(input: f64, output: f64) -> Price {
    Price { cached_input: Some(input * 0.1), cache_write_5m: Some(input * 1.25), ..Price::new(input, output) }
}

fn side(price: Price, warm: f64, p: f64) -> Side {
    Side { price, warm, hits: 1.0, p }
}

#[test]
fn a_cost_counts_what_is_warm_at_the_price_of_reading() {
    // 9,000 × .5 + 1,100 × 6.25 + 100 × 25 millionths.
    assert!((cost(&caching(5.0, 25.0), 9_000.0, 1_100.0, 100.0) - 0.013_875).abs() < 1e-12);
    assert!((cost(&Price::new(1.0, 2.0), 9_000.0, 1_000.0, 10.0) - 0.010_02).abs() < 1e-12);
}

#[test]
fn a_warm_dear_tier_may_be_the_cheaper_one() {
    let turn = Turn { history: 50_000.0, new: 200.0, output: 300.0 };
    let (frontier, cheap) = (caching(5.0, 25.0), Price::new(1.0, 5.0));
    // Reading 50,000 tokens at .5 costs .025, taking them anew at 1 costs .05.
    assert!(!switches(&side(frontier, 50_000.0, 0.9), &side(cheap, 0.0, 0.9), turn, 10.0, AHEAD));
    // Once its cache has forgotten, nothing speaks for it any more.
    assert!(switches(&side(frontier, 0.0, 0.9), &side(cheap, 0.0, 0.9), turn, 10.0, AHEAD));
    // A cache that is never hit in fact is worth this turn's reading at most.
    let unseen = Side { hits: 0.0, ..side(frontier, 0.0, 0.9) };
    assert!(switches(&unseen, &side(cheap, 0.0, 0.9), turn, 10.0, AHEAD));
}

#[test]
fn quality_outweighs_the_cache_at_its_price() {
    let turn = Turn { history: 4_000.0, new: 100.0, output: 200.0 };
    let (cheap, frontier) = (side(caching(1.0, 5.0), 4_000.0, 0.4), side(caching(5.0, 25.0), 0.0, 0.95));
    assert!(switches(&cheap, &frontier, turn, 5.0, AHEAD));
    assert!(!switches(&cheap, &frontier, turn, 50.0, AHEAD));
}

/// A conversation whose turns the rule would send to one tier or the other.
struct Trace {
    turns: Vec<(Turn, [f64; 2])>,
}

/// What a policy pays for traces, USD, with what its answers lack in quality at its price 1/λ: each tier's cache holds what the
/// conversation was when it served last.
fn paid(
    traces: &[Trace],
    prices: [Price; 2],
    lambda: f64,
    policy: impl Fn(usize, usize, Turn, [f64; 2], [f64; 2]) -> usize,
) -> f64 {
    let mut total = 0.0;
    for Trace { turns } in traces {
        let (mut warm, mut last) = ([0.0; 2], None);
        for &(turn, p) in turns {
            let wanted = usize::from(p[1] / lambda - cold(prices[1], turn) >= p[0] / lambda - cold(prices[0], turn));
            let tier = last.map_or(wanted, |last| policy(last, wanted, turn, warm, p));
            total += cost(&prices[tier], warm[tier], turn.history + turn.new - warm[tier], turn.output)
                + (1.0 - p[tier]) / lambda;
            warm[tier] = turn.history + turn.new + turn.output;
            last = Some(tier);
        }
    }
    total
}

fn cold(price: Price, turn: Turn) -> f64 {
    cost(&price, 0.0, turn.history + turn.new, turn.output)
}

fn traces(rng: &mut StdRng, spread: f64) -> Vec<Trace> {
    let trace = |rng: &mut StdRng| {
        let (mut history, hard) = (rng.random_range(200.0..20_000.0), rng.random_range(0.0..1.0));
        let turns = (0..rng.random_range(1..8)).map(|_| {
            let turn = Turn { history, new: rng.random_range(20.0..2_000.0), output: rng.random_range(50.0..800.0) };
            history += turn.new + turn.output;
            let gain = spread * (0.7 * hard + 0.3 * rng.random_range(0.0..1.0));
            (turn, [0.95 - gain, 0.95])
        });
        Trace { turns: turns.collect() }
    };
    (0..400).map(|_| trace(rng)).collect()
}

#[test]
fn it_never_costs_a_hundredth_more_than_the_better_of_always_and_never_staying() {
    let mut rng = StdRng::seed_from_u64(9);
    for (cheap, frontier) in [
        (caching(1.0, 5.0), caching(5.0, 25.0)),
        (Price::new(1.0, 5.0), caching(5.0, 25.0)),
        (Price::new(0.1, 0.4), caching(3.0, 15.0)),
        (caching(0.8, 4.0), Price::new(2.5, 10.0)),
        (Price::new(0.5, 1.5), Price::new(2.5, 10.0)),
    ] {
        for (lambda, spread) in [(0.5, 0.1), (2.0, 0.3), (10.0, 0.5), (50.0, 0.5), (400.0, 0.8)] {
            let traces = traces(&mut rng, spread);
            let prices = [cheap, frontier];
            let sticky = paid(&traces, prices, lambda, |last, wanted, turn, warm, p| {
                let side = |tier: usize| side(prices[tier], warm[tier], p[tier]);
                if wanted != last && switches(&side(last), &side(wanted), turn, lambda, AHEAD) { wanted } else { last }
            });
            let always = paid(&traces, prices, lambda, |last, _, _, _, _| last);
            let never = paid(&traces, prices, lambda, |_, wanted, _, _, _| wanted);
            let better = always.min(never);
            assert!(
                sticky <= 1.01 * better,
                "{cheap:?} {frontier:?} λ = {lambda}: {sticky} against {always} and {never}"
            );
        }
    }
}
