//! What one request costs before any tier is called: features, heads and forest. The prompts are synthetic English of
//! about so many tokens.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rungs::chat::ChatRequest;
use rungs::config::Config;
use rungs::difficulty::Scorer;

/// About `tokens` tokens: a question with options, as benchmarks have them.
fn prompt(tokens: usize) -> String {
    let words =
        ["the", "river", "basin", "holds", "47", "species", "of", "fish,", "which", "factor", "explains", "it?"];
    let body: Vec<&str> = words.iter().copied().cycle().take(tokens.saturating_sub(12)).collect();
    format!("{}\nA. rainfall\nB. depth\nC. age\nAnswer:", body.join(" "))
}

fn score(criterion: &mut Criterion) {
    // Without an artifact there is nothing to measure: the message says why.
    let scorer = match Scorer::open(&Config::default()) {
        Ok(scorer) => scorer,
        Err(error) => return eprintln!("skipped: {error}"),
    };
    let mut group = criterion.benchmark_group("score");
    for tokens in [16, 64, 256, 1024] {
        let request = ChatRequest::from_prompt(&prompt(tokens));
        group.bench_with_input(BenchmarkId::new("static", tokens), &request, |bencher, request| {
            bencher.iter(|| scorer.score(black_box(request)));
        });
    }
    group.finish();
}

criterion_group!(benches, score);
criterion_main!(benches);
