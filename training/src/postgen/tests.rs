use super::*;
use crate::learners::logistic::{logit, sigmoid};
use crate::testing::World;

/// A family of two signals, of which the second is the first with much noise, and a third that tells nothing.
fn observed(world: &World) -> Observed {
    let rows = world.z.len();
    let noisy = world.s.iter().zip(&world.noise).map(|(s, noise)| s + 2.0 * noise).collect();
    Observed {
        prior: (0..2).map(|tier| world.before(tier)).collect(),
        signals: vec![noisy, world.s.clone(), world.noise.clone()],
        families: vec![vec![0, 1]],
        kinds: vec![0; rows],
        labels: world.labels.clone(),
        weights: vec![1.0; rows],
        groups: (0..rows as u64).collect(),
    }
}

fn area(of: impl Fn(usize) -> f64, data: &Observed) -> f64 {
    let scores: Vec<f64> = (0..data.groups.len()).map(of).collect();
    ranked_apgr(&Ranking::new(&scores), &data.gains(), &data.weights).unwrap()
}

#[test]
fn what_the_answer_tells_is_recovered() {
    let world = World::new(4000, 2.0, 1);
    let data = observed(&world);
    let fitted = fit(&data, 0).unwrap();
    let best = area(|row| world.after(1, row) - world.after(0, row), &data);
    let (found, prior) = (fitted.figures.deferral_apgr.unwrap(), fitted.figures.prior_apgr.unwrap());
    assert!(best - found < 0.01 && found - prior > 0.1, "{best} {found} {prior}");
    for tier in 0..2 {
        let errors = fitted.out_of_fold[tier].iter().enumerate().map(|(row, p)| (p - world.after(tier, row)).abs());
        assert!(errors.sum::<f64>() / 4000.0 < 0.035, "tier {tier}");
    }
}

#[test]
fn an_answer_that_tells_nothing_changes_nothing() {
    for seed in 0..3 {
        let data = observed(&World::new(1000, 0.0, seed));
        let fitted = fit(&data, 0).unwrap();
        let change: f64 = gain(&fitted.out_of_fold).iter().zip(gain(&data.prior)).map(|(a, b)| (a - b).abs()).sum();
        assert!(change / 1000.0 < 0.06, "seed {seed}: {}", change / 1000.0);
    }
}

#[test]
fn few_rows_never_rank_worse_than_the_best_signal_alone() {
    for seed in 0..6 {
        let figures = fit(&observed(&World::new(300, 1.5, seed)), 0).unwrap().figures;
        let (found, signal) = (figures.deferral_apgr.unwrap(), figures.signal_apgr.unwrap());
        assert!(found >= signal - 1e-12, "seed {seed}: {found} {signal}");
    }
}

#[test]
fn heads_that_follow_one_signal_rank_as_it_does() {
    let world = World::new(600, 2.0, 3);
    // Priors that say the opposite of the truth in half of the folds' rows spoil every head that trusts them.
    let mut data = observed(&world);
    let fold = folds(&data.groups, FOLDS, 0);
    for tier in &mut data.prior {
        tier.iter_mut().zip(&fold).for_each(|(p, fold)| *p = if *fold == 0 { 1.0 - *p } else { *p });
    }
    let matrix = Matrix::new(&data);
    let leads = lead::choose(&data, &matrix, &fold);
    let mut fitted = fit(&data, 0).unwrap();
    fitted.follow(&leads[0], &data, &matrix);
    let by_heads = area(|row| fitted.out_of_fold[1][row] - fitted.out_of_fold[0][row], &data);
    let by_signal = area(|row| -leads[0].probabilities[row], &data);
    assert!(fitted.single && (by_heads - by_signal).abs() < 1e-12, "{by_heads} {by_signal}");
    let own = &fitted.pooled.tiers[0].coefficients;
    assert!(own[3] > 0.5 && [0, 1, 2, 4].iter().all(|column| own[*column] == 0.0), "{own:?}");
}

#[test]
fn coefficients_are_for_columns_as_they_are() {
    let world = World::new(2000, 2.0, 5);
    let mut data = observed(&world);
    data.signals[1].iter_mut().for_each(|s| *s = 100.0 + 7.0 * *s);
    let fitted = fit(&data, 0).unwrap();
    for row in 0..50 {
        let columns = [logit(data.prior[0][row]), logit(data.prior[1][row])].into_iter();
        let columns = columns.chain(data.signals.iter().map(|signal| signal[row]));
        let p = sigmoid(fitted.pooled.tiers[0].logit(ndarray::Array1::from_iter(columns).view()));
        assert!((p - world.after(0, row)).abs() < 0.1, "{p} {}", world.after(0, row));
    }
}

#[test]
fn a_kind_whose_signal_means_the_opposite_gets_its_own_heads() {
    let world = World::new(3000, 2.0, 7);
    let mut data = observed(&world);
    data.kinds = (0..3000).map(|row| row % 3).collect();
    let flip = |(row, s): (usize, &mut f64)| *s = if row % 3 == 1 { -*s } else { *s };
    data.signals.iter_mut().for_each(|signal| signal.iter_mut().enumerate().for_each(flip));
    let fitted = fit(&data, 0).unwrap();
    assert!(fitted.by_kind[1].is_some() && fitted.by_kind.len() == 3);
    assert!(fitted.by_kind[1].as_ref().unwrap().tiers[0].coefficients[3] < 0.0);
    let alike = fit(&Observed { kinds: (0..3000).map(|row| row % 3).collect(), ..observed(&world) }, 0).unwrap();
    assert!(alike.by_kind.iter().all(Option::is_none));
}

#[test]
fn missing_signals_count_as_typical_ones() {
    let world = World::new(2000, 2.0, 9);
    let mut data = observed(&world);
    for row in (0..2000).step_by(2) {
        data.signals[0][row] = f64::NAN;
        data.signals[1][row] = f64::NAN;
    }
    let fitted = fit(&data, 0).unwrap();
    let (found, prior) = (fitted.figures.deferral_apgr.unwrap(), fitted.figures.prior_apgr.unwrap());
    assert!(found > prior + 0.03 && fitted.typical.iter().all(|x| x.is_finite()), "{found} {prior}");
    let never = Observed { signals: vec![vec![f64::NAN; 2000]; 3], ..data };
    let fitted = fit(&never, 0).unwrap();
    assert_eq!((fitted.typical.as_slice(), fitted.figures.signal_apgr), (&[0.0; 3][..], None));
}

#[test]
fn faults_are_named() {
    let data = || observed(&World::new(100, 1.0, 1));
    let of = |change: fn(&mut Observed)| {
        let mut data = data();
        change(&mut data);
        fit(&data, 0).unwrap_err()
    };
    assert!(matches!(of(|data| data.kinds.truncate(5)), FitError::Shape));
    assert!(matches!(of(|data| data.families = vec![vec![9]]), FitError::Shape));
    assert!(matches!(of(|data| data.signals[0][3] = f64::INFINITY), FitError::NotFinite("signals")));
    assert!(matches!(of(|data| data.weights[3] = -1.0), FitError::NotFinite("weights")));
    assert!(matches!(of(|data| data.groups.fill(1)), FitError::TooFewGroups { found: 1, .. }));
    assert!(matches!(of(|data| data.labels[0].fill(1.0)), FitError::OneClass { tier: 0, .. }));
}
