//! Fit times on rows drawn from a known logistic model (seed 1): linfa's logistic regression, the weighted fit of the
//! same loss, and the forest.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rungs_training::Growth;
use rungs_training::learners::extra_trees::Forest;
use rungs_training::learners::linfa_logistic;
use rungs_training::learners::logistic::{Logistic, sigmoid};

const L2: f64 = 1000.0;

/// Uniform columns in [−1, 1]; every other coefficient counts.
fn rows(rows: usize, columns: usize) -> (Array2<f64>, Vec<bool>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((rows, columns), || 2.0 * rng.random::<f64>() - 1.0);
    let logit = |row: ndarray::ArrayView1<'_, f64>| row.iter().step_by(2).sum::<f64>() * 0.2 + 0.5;
    let labels = x.rows().into_iter().map(|row| rng.random::<f64>() < sigmoid(logit(row))).collect();
    (x, labels)
}

fn logistic(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("logistic");
    group.sample_size(10);
    for (n, columns) in [(2_000, 330), (10_000, 330)] {
        let (x, labels) = rows(n, columns);
        let soft: Vec<f64> = labels.iter().map(|y| f64::from(u8::from(*y))).collect();
        let weights = vec![1.0; n];
        let id = |name| BenchmarkId::new(name, format!("{n}x{columns}"));
        group.bench_function(id("linfa"), |bencher| {
            bencher.iter(|| linfa_logistic::fit(black_box(x.view()), &labels, L2));
        });
        group.bench_function(id("weighted"), |bencher| {
            bencher.iter(|| Logistic::fit(black_box(x.view()), &soft, &weights, L2));
        });
    }
    group.finish();
}

fn forest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forest");
    group.sample_size(10);
    let (x, labels) = rows(10_000, 120);
    let columns: Vec<Vec<f32>> = x.columns().into_iter().map(|c| c.iter().map(|x| *x as f32).collect()).collect();
    let labels: Vec<f64> = labels.iter().map(|y| f64::from(u8::from(*y))).collect();
    let growth = Growth { trees: 10, leaf: 15, candidates: 0.4 };
    group.bench_function("10-trees/10000x120", |bencher| {
        bencher.iter(|| {
            Forest::fit(black_box(&columns), &[labels.clone(), labels.clone()], &vec![1.0; 10_000], growth, 1)
        });
    });
    group.finish();
}

criterion_group!(benches, logistic, forest);
criterion_main!(benches);
