//! `rungs demo`: the whole loop on this machine, against replayed tiers.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::Failure;
use crate::demo::{self, Estimate, Options, Policy, Summary};

/// Arguments of `rungs demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Let calls take this many times as long as the recorded ones; 0 answers at once.
    #[arg(long, default_value_t = 1.0, value_parser = super::replay::pace)]
    pace: f64,
    /// Where the artifact and the decision log go; default: a new folder among the temporary files.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// Trains, routes and reads the log; prints what it cost and what it was worth.
///
/// # Errors
/// When a step fails.
pub fn run(args: &Args) -> Result<(), Failure> {
    let folder = args.data_dir.clone().unwrap_or_else(fresh);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let summary = demo::run(&Options { folder: folder.clone(), pace: args.pace })?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&summary).context("the summary cannot be printed")?);
    } else {
        print(&summary, &folder);
    }
    Ok(())
}

fn fresh() -> PathBuf {
    std::env::temp_dir().join(format!("rungs-demo-{}", uuid::Uuid::now_v7()))
}

fn print(summary: &Summary, folder: &Path) {
    println!(
        "Trained on {} queries of the sample, then sent {} held-out ones over HTTP, once for each operating point, in {:.0} s.\n\
         The sample is synthetic and its tiers are replayed: no model was called, no money was spent.\n",
        summary.trained_on,
        summary.runs.values().map(|run| run.requests).max().unwrap_or(0),
        summary.seconds
    );
    print_policies(summary);
    for (model, run) in &summary.runs {
        println!("\n{model}");
        println!("  answered by    {}", listed(&run.served_by));
        println!("  escalated      {} of {}; rejected for {}", run.escalated, run.requests, listed(&run.escalations));
        println!("  to the client  {} streamed, {} failed", run.streamed, run.failed);
        println!(
            "  latency        {:.0} ms median, {:.0} ms at the 95th percentile",
            run.latency_ms[0], run.latency_ms[1]
        );
    }
    println!("\nThe decision log is {}.", folder.join("rungs.db").display());
    if let Some(example) = summary.runs.values().find_map(|run| run.example.as_ref()) {
        println!("To see one decision, such as an escalated one:");
        println!("  RUNGS_DATA_DIR={} rungs serve &", folder.display());
        println!("  curl localhost:8080/v1/decisions/{}", example.id);
    }
}

fn print_policies(summary: &Summary) {
    println!("{:<16}{:>8}  {:<16}{:>8}{:>13}", "model", "quality", "95% interval", "USD", "of frontier");
    let ends = |name| summary.runs.values().find_map(move |run| run.policy.get(name).map(|policy| (name, policy)));
    let runs = summary.runs.iter().filter_map(|(model, run)| Some((*model, run.policy.get("router+cascade")?)));
    for (name, policy) in ends("cheap").into_iter().chain(runs).chain(ends("frontier")) {
        println!("{}", line(name, policy));
    }
    println!("\nquality against    a random mix of the same cost    always frontier");
    for (model, run) in &summary.runs {
        let gains = ["random-mix", "frontier"].map(|other| {
            run.gain.get(other).map_or_else(String::new, |gain| format!("{:+.3} {}", gain.value, range(gain)))
        });
        println!("{model:<19}{:<33}{}", gains[0], gains[1]);
    }
}

fn line(name: &str, policy: &Policy) -> String {
    format!(
        "{name:<16}{:>8.3}  {:<16}{:>8.4}{:>12.0}%",
        policy.quality.value,
        range(&policy.quality),
        policy.cost_usd,
        100.0 * policy.cost_ratio
    )
}

fn range(estimate: &Estimate) -> String {
    estimate.interval.map_or_else(String::new, |interval| format!("[{:.3}, {:.3}]", interval.0, interval.1))
}

fn listed(counts: &indexmap::IndexMap<String, usize>) -> String {
    let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}
