//! The configuration file of a pair of tiers.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::{Candidate, Pair};
use crate::config::Price;
use crate::dialect::Dialect;

/// The text of a configuration with these two tiers; no key is in it, only where each is read from.
#[must_use]
pub fn compose(pair: &Pair, published: Date) -> String {
    let mut text = String::from(HEAD);
    for (name, role, candidate) in [("small", CHEAP, &pair.cheap), ("large", FRONTIER, &pair.frontier)] {
        tier(&mut text, name, role, candidate, published);
    }
    text + TAIL
}

const HEAD: &str = "\
# rungs: two tiers, cheap to frontier. `rungs check-config FILE` tries this file, `rungs serve --config FILE` serves it.
# Every other setting has its default; src/config/default.toml lists them all.

[server]
bind = \"127.0.0.1:8080\"
";

const CHEAP: &str =
    "# The cheap tier: called where the artifact expects that it will do, or that its answer can be checked.";
const FRONTIER: &str = "# The frontier: called where the cheap tier is not expected to do, or its answer did not pass.";

const TAIL: &str = "
# What clients may send as `model`, beside `auto` and the tiers' names.
[aliases]
# \"gpt-4o\" = \"auto\"
";

fn tier(text: &mut String, name: &str, role: &str, candidate: &Candidate, published: Date) {
    let Candidate { provider, model, known } = candidate;
    let quoted = |value: &str| toml::Value::from(value).to_string();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!("\n{role}\n[[tiers]]"));
    line(&format!("name = \"{name}\""));
    if provider.kind == Dialect::Anthropic {
        line("kind = \"anthropic\"");
    }
    line(&format!("base_url = {}", quoted(&provider.base_url)));
    line(&format!("model = {}", quoted(model)));
    if let Some(variable) = &provider.key_env {
        line(&format!("api_key_env = {}", quoted(variable)));
    }
    let Some(known) = known else {
        line(
            "# USD per million tokens: put here what running it costs you. Without prices nothing is said of savings.",
        );
        line("# price = { input = 0.0, output = 0.0 }");
        line("# Tokens that it holds, prompt and answer together: longer conversations then go to the other tier.");
        line("# context_window = 8192");
        line(&format!("logprobs = {}", provider.logprobs));
        return;
    };
    line(&format!("# USD per million tokens, as of {published}: hold them against your invoice."));
    line(&format!("price = {}", inline(&known.price)));
    line(&format!("context_window = {}", known.context_window));
    if let Some(most) = known.max_output_tokens {
        line(&format!("max_output_tokens = {most}"));
    }
    if !known.lacks.is_empty() {
        let lacks: Vec<String> = known.lacks.iter().map(|lack| quoted(lack.name())).collect();
        line(&format!("lacks = [{}]", lacks.join(", ")));
    }
    line(&format!("logprobs = {}", known.logprobs));
}

fn inline(price: &Price) -> String {
    let parts = [
        ("input", Some(price.input)),
        ("output", Some(price.output)),
        ("cached_input", price.cached_input),
        ("cache_write_5m", price.cache_write_5m),
        ("cache_write_1h", price.cache_write_1h),
        ("reasoning", price.reasoning),
        ("batch", price.batch),
    ];
    let mut text = String::new();
    for (name, usd) in parts {
        if let Some(usd) = usd {
            let separator = if text.is_empty() { "" } else { ", " };
            // Writing to a text cannot fail.
            let _ = write!(text, "{separator}{name} = {usd:?}");
        }
    }
    format!("{{ {text} }}")
}
