//! `rungs launch claude|codex|-- COMMAND`: starts a client that is pointed at the running router.

use std::process::Command;

use anyhow::anyhow;

use crate::cli::Failure;

/// Arguments of `rungs launch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the router listens, without `/v1`.
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// What the client asks for as `model`.
    #[arg(long, default_value = "auto")]
    model: String,
    /// The variable that holds the client's key, where the router asks for one.
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
    /// `claude`, `codex`, or a command with its arguments after `--`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Replaces this process by the client's, so that its terminal, signals and exit code are its own.
///
/// # Errors
/// When the key's variable is not set, the address is none, or the command cannot be started.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Failure::bad_input("launch: name a command, such as `rungs launch claude`"));
    };
    let mut command = Command::new(program);
    command.args(rest).envs(environment(args)?);
    start(&mut command).map_err(|error| Failure::Failed(anyhow!("{program} cannot be started: {error}")))
}

/// Returns only where the program could not be started.
#[cfg(unix)]
fn start(command: &mut Command) -> std::io::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

/// Waits for the program's end.
#[cfg(not(unix))]
fn start(command: &mut Command) -> std::io::Result<()> {
    command.status().map(drop)
}

/// What points the packages and tools of both dialects at the router.
fn environment(args: &Args) -> Result<Vec<(&'static str, String)>, Failure> {
    let url = args.url.trim_end_matches('/').trim_end_matches("/v1");
    if url.parse::<reqwest::Url>().is_err() {
        return Err(Failure::bad_input(format!("--url {}: not an address, such as http://127.0.0.1:8080", args.url)));
    }
    let key = match &args.key_env {
        None => "unused".to_owned(),
        Some(name) => std::env::var(name).map_err(|error| Failure::bad_input(format!("--key-env {name}: {error}")))?,
    };
    Ok(vec![
        ("ANTHROPIC_BASE_URL", url.to_owned()),
        ("ANTHROPIC_AUTH_TOKEN", key.clone()),
        ("ANTHROPIC_MODEL", args.model.clone()),
        ("OPENAI_BASE_URL", format!("{url}/v1")),
        ("OPENAI_API_KEY", key),
        ("OPENAI_MODEL", args.model.clone()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, key_env: Option<&str>) -> Result<Vec<(&'static str, String)>, Failure> {
        let (url, key_env) = (url.to_owned(), key_env.map(str::to_owned));
        environment(&Args { url, model: "auto".to_owned(), key_env, command: vec!["true".to_owned()] })
    }

    #[test]
    fn both_dialects_are_pointed_at_the_router() {
        for url in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"] {
            let environment = of(url, None).unwrap();
            let value = |name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
            assert_eq!(
                (value("ANTHROPIC_BASE_URL"), value("OPENAI_BASE_URL")),
                (Some("http://h:1"), Some("http://h:1/v1"))
            );
        }
        assert!(of("nowhere", None).is_err() && of("http://h", Some("RUNGS_TEST_NO_SUCH_KEY")).is_err());
    }
}
