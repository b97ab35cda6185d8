//! The detector of judged quality beside Page–Hinkley, ADWIN and a rolling z-test, on the same seeded streams: first a table of
//! how often they are wrong and how long they take, then what an observation takes each of them.
//!
//! `cargo bench --bench drift`

#[path = "drift/adwin.rs"]
mod adwin;
#[path = "drift/page_hinkley.rs"]
mod page_hinkley;
#[path = "drift/rolling_z.rs"]
mod rolling_z;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rungs::drift::{Bernoulli, DriftDetector};

use self::adwin::Adwin;
use self::page_hinkley::PageHinkley;
use self::rolling_z::RollingZ;

/// What a detector takes and tells; all of them have that.
type Observe = Box<dyn FnMut(f64) -> bool>;

/// A detector's name, and how a fresh one is made.
type Detector = (&'static str, fn() -> Observe);

/// The rate of failures before the change.
const NORMAL: f64 = 0.1;

/// Samples before the change.
const BEFORE: usize = 2_000;

/// Samples that are looked at: for false alarms, and after a change.
const MOST: usize = 10_000;

const RUNS: u64 = 400;

fn detectors() -> [Detector; 4] {
    [
        // The default: half of a run length of 10,000, two points tolerated.
        ("e-detector", || {
            let mut detector = Bernoulli::new(NORMAL + 0.02, 20_000.0);
            Box::new(move |x| detector.observe(x))
        }),
        ("page-hinkley", || {
            let mut detector = PageHinkley::default();
            Box::new(move |x| detector.observe(x))
        }),
        ("adwin", || {
            let mut detector = Adwin::default();
            Box::new(move |x| detector.observe(x))
        }),
        ("rolling-z", || {
            let mut detector = RollingZ::new(NORMAL);
            Box::new(move |x| detector.observe(x))
        }),
    ]
}

fn compare() {
    println!("{RUNS} seeded runs at {NORMAL} failures; a drop of 10 points after {BEFORE} samples\n");
    println!(
        "{:<14} {:>22} {:>12} {:>8} {:>8} {:>10}",
        "", "false alarm in 10,000", "mean delay", "p50", "p90", "≤ 400"
    );
    for (name, make) in detectors() {
        let wrong = (0..RUNS).filter(|seed| quiet(make(), *seed)).count();
        let mut delays: Vec<usize> = (0..RUNS).map(|seed| delay(make(), seed)).collect();
        delays.sort_unstable();
        let mean = delays.iter().sum::<usize>() / delays.len();
        let at = |percent: usize| delays.get(delays.len() * percent / 100).copied().unwrap_or(MOST);
        let soon = delays.iter().filter(|delay| **delay <= 400).count();
        let percent = |n: usize| format!("{:.1}%", 100.0 * n as f64 / RUNS as f64);
        println!("{name:<14} {:>22} {mean:>12} {:>8} {:>8} {:>10}", percent(wrong), at(50), at(90), percent(soon));
    }
}

/// Whether it raises an alarm where nothing changes.
fn quiet(mut observe: Observe, seed: u64) -> bool {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..MOST).any(|_| observe(f64::from(rng.random_bool(NORMAL))))
}

/// How long it takes to find the drop; alarms before it are not held against it.
fn delay(mut observe: Observe, seed: u64) -> usize {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..BEFORE {
        observe(f64::from(rng.random_bool(NORMAL)));
    }
    (1..MOST).find(|_| observe(f64::from(rng.random_bool(2.0 * NORMAL)))).unwrap_or(MOST)
}

fn observations(criterion: &mut Criterion) {
    compare();
    let mut rng = StdRng::seed_from_u64(0);
    let stream: Vec<f64> = (0..MOST).map(|_| f64::from(rng.random_bool(NORMAL))).collect();
    let mut group = criterion.benchmark_group("drift/observe");
    group.throughput(Throughput::Elements(MOST as u64)).sample_size(20);
    for (name, make) in detectors() {
        group.bench_function(BenchmarkId::new(name, MOST), |bencher| {
            bencher.iter(|| {
                let mut observe = make();
                stream.iter().filter(|x| observe(**x)).count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, observations);
criterion_main!(benches);
