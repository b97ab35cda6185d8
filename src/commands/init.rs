//! `rungs init`: a first configuration, from what is at hand.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow};

use crate::cli::Failure;
use crate::config::Config;
use crate::init::{Candidate, Catalogue, Pair, compose, find, named, suggest};

/// Arguments of `rungs init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write the configuration; a file that is there is not touched.
    #[arg(long, default_value = "rungs.toml", value_name = "FILE")]
    out: PathBuf,
    /// The cheap tier, as PROVIDER/MODEL or the model's name alone; default: asked for, or suggested.
    #[arg(long, value_name = "MODEL")]
    cheap: Option<String>,
    /// The frontier, the same way.
    #[arg(long, value_name = "MODEL")]
    frontier: Option<String>,
    /// Ask nothing: take what is suggested.
    #[arg(long)]
    yes: bool,
    /// A table of providers, models and prices in place of the built-in one (src/init/models.toml shows its form).
    #[arg(long, value_name = "FILE")]
    models: Option<PathBuf>,
}

/// Looks for keys in the environment and servers on this machine, asks which two models to use, and writes the file.
///
/// # Errors
/// When fewer than two models are at hand, a name is none of theirs, or the file is there already or cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let table = args.models.as_deref().map_or_else(Catalogue::built_in, Catalogue::read).map_err(Failure::bad_input)?;
    let has_key = |name: &str| std::env::var(name).is_ok_and(|key| !key.trim().is_empty());
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let candidates = runtime.block_on(find(&table, has_key));
    let Some(suggested) = suggest(&candidates) else { return Err(Failure::bad_input(too_little(&table, &candidates))) };
    let asks = !args.yes && std::io::stdin().is_terminal();
    if asks {
        list(&candidates);
    }
    let pair = Pair {
        cheap: chosen("cheap", args.cheap.as_deref(), suggested.cheap, &candidates, asks)?,
        frontier: chosen("frontier", args.frontier.as_deref(), suggested.frontier, &candidates, asks)?,
    };
    if pair.cheap == pair.frontier {
        return Err(Failure::bad_input(format!("{} cannot be both tiers", pair.cheap.name())));
    }
    let text = compose(&pair, table.published);
    Config::parse(&text).map_err(|error| anyhow!("what was to be written is no configuration: {error}"))?;
    write_new(&args.out, &text)?;
    let out = args.out.display();
    eprintln!("{out}: {} → {}", pair.cheap.name(), pair.frontier.name());
    eprintln!("  next      rungs check-config {out} && rungs serve --config {out}");
    Ok(())
}

/// The model of a tier: the one named, else the one that a person says, else the one suggested.
fn chosen(
    role: &str,
    name: Option<&str>,
    suggested: Candidate,
    candidates: &[Candidate],
    asks: bool,
) -> Result<Candidate, Failure> {
    if let Some(name) = name {
        return named(candidates, name).cloned().map_err(|error| Failure::bad_input(format!("--{role}: {error}")));
    }
    if !asks {
        return Ok(suggested);
    }
    loop {
        eprint!("{role} tier [{}]: ", suggested.name());
        std::io::stderr().flush().context("the terminal")?;
        let mut said = String::new();
        let read = std::io::stdin().lock().read_line(&mut said).context("the terminal")?;
        match said.trim() {
            "" if read == 0 => return Err(Failure::bad_input("nothing was chosen")),
            "" => return Ok(suggested),
            name => match named(candidates, name) {
                Ok(candidate) => return Ok(candidate.clone()),
                Err(error) => eprintln!("{error}"),
            },
        }
    }
}

fn list(candidates: &[Candidate]) {
    eprintln!("at hand:");
    for candidate in candidates {
        let price = candidate.known.as_ref().map(|model| &model.price);
        let price = price.map_or("on this machine".to_owned(), |price| {
            format!("{} in, {} out, USD per million tokens", price.input, price.output)
        });
        eprintln!("  {:<36} {price}", candidate.name());
    }
}

/// A file of somebody's is not written over.
fn write_new(file: &std::path::Path, text: &str) -> Result<(), Failure> {
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
    let mut opened = opened.map_err(|error| {
        Failure::bad_input(format!("{}: {error}: move it away, or name another with --out", file.display()))
    })?;
    opened.write_all(text.as_bytes()).with_context(|| file.display().to_string()).map_err(Failure::from)
}

fn too_little(table: &Catalogue, candidates: &[Candidate]) -> String {
    let keys: Vec<&str> = table.providers.iter().filter_map(|provider| provider.key_env.as_deref()).collect();
    let local: Vec<&str> =
        table.providers.iter().filter(|provider| provider.local).map(|provider| provider.base_url.as_str()).collect();
    let found: Vec<String> = candidates.iter().map(Candidate::name).collect();
    format!(
        "two models are needed, and {} at hand: set one of {}, or start a server at {}",
        if found.is_empty() { "none is".to_owned() } else { format!("only {} is", found.join(", ")) },
        keys.join(", "),
        local.join(" or "),
    )
}
