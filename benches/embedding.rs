//! From a request to its features: the embedding alone, and all features. `benches/scoring.rs` has the whole score.
//!
//! `cargo bench --bench embedding`. The sizes are tokens of the request. The full encoder is measured where
//! `scripts/install-fastembed` has been run.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rungs::chat::ChatRequest;
use rungs::config::{Backend, Config, EmbeddingConfig};
use rungs::features::Extractor;

/// Sixteen tokens.
const SENTENCE: &str = "Explain how the river and the city grew together over one hundred years of trade.";

fn embed(criterion: &mut Criterion) {
    for (name, extractor) in extractors() {
        let mut group = criterion.benchmark_group(format!("embed/{name}"));
        for tokens in [16, 64, 256] {
            let text = text(tokens);
            let embedder = extractor.embedder();
            group.bench_function(BenchmarkId::from_parameter(tokens), |b| b.iter(|| embedder.embed(&text)));
        }
    }
}

fn extract(criterion: &mut Criterion) {
    for (name, extractor) in extractors() {
        let mut group = criterion.benchmark_group(format!("extract/{name}"));
        for tokens in [16, 64, 256] {
            let request = ChatRequest::from_prompt(&text(tokens));
            group.bench_function(BenchmarkId::from_parameter(tokens), |b| b.iter(|| extractor.extract(&request)));
        }
        let huge = ChatRequest::from_prompt(&text(2_000_000));
        group.sample_size(10).bench_function("10MB", |b| b.iter(|| extractor.extract(&huge)));
    }
}

fn text(tokens: usize) -> String {
    vec![SENTENCE; tokens / 16].join(" ")
}

fn extractors() -> Vec<(&'static str, Extractor)> {
    let open = |(name, backend)| {
        let config = EmbeddingConfig { backend, ..EmbeddingConfig::default() };
        match Extractor::open(&config, &Config::default().data_dir()) {
            Ok(extractor) => Some((name, extractor)),
            Err(error) => {
                eprintln!("skipped: {error}");
                None
            }
        }
    };
    [("static", Backend::Static), ("fastembed", Backend::Fastembed)].into_iter().filter_map(open).collect()
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = embed, extract
}
criterion_main!(benches);
