//! `rungs new-key NAME`: a key for a client.

use std::io::Write;

use anyhow::Context;
use uuid::Uuid;

use crate::cli::Failure;
use crate::config::KeyHash;

/// Arguments of `rungs new-key`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What logs will call the client.
    name: String,
}

/// Prints a new key on stdout, and on stderr what the configuration has to say of it. The key is kept nowhere.
///
/// # Errors
/// When the name is one that the configuration would refuse.
pub fn run(args: &Args) -> Result<(), Failure> {
    if args.name.trim().is_empty() {
        return Err(Failure::bad_input("NAME: must not be empty"));
    }
    let key = key();
    let hash = String::from(KeyHash::of(&key));
    eprintln!("# give the key to the client; it is not shown again. The configuration gets:\n[[auth.keys]]");
    eprintln!("name = {}\nsha256 = \"{hash}\"", toml::Value::from(args.name.as_str()));
    writeln!(std::io::stdout(), "{key}").context("the key cannot be printed").map_err(Failure::from)
}

/// 244 random bits of the system's own generator.
fn key() -> String {
    format!("rk-{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_never_the_same() {
        assert_eq!(key().len(), 67);
        assert_ne!(key(), key());
    }
}
