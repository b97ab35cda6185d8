//! Which of the models at hand are the cheap tier and the frontier.

use super::Candidate;

/// Two tiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Called where it will do.
    pub cheap: Candidate,
    /// Called where it will not.
    pub frontier: Candidate,
}

/// The candidate of this name, `PROVIDER/MODEL` or the model's alone where only one provider has it.
///
/// # Errors
/// When there is none, or several.
pub fn named<'a>(candidates: &'a [Candidate], name: &str) -> Result<&'a Candidate, String> {
    if let Some(exact) = candidates.iter().find(|candidate| candidate.name() == name) {
        return Ok(exact);
    }
    let mut same = candidates.iter().filter(|candidate| candidate.model == name);
    match (same.next(), same.next()) {
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            Err(format!("`{name}` is served by several: say {} or {}", one.name(), other.name()))
        }
        (None, _) => {
            let known: Vec<String> = candidates.iter().map(Candidate::name).collect();
            Err(format!("`{name}` is not at hand; there are: {}", known.join(", ")))
        }
    }
}

/// The frontier is the dearest model that is one to climb to, or the dearest of all; the cheap tier is the first local model, else
/// the cheapest one of the frontier's provider, else the cheapest of all. `None` where there are not two models.
#[must_use]
pub fn suggest(candidates: &[Candidate]) -> Option<Pair> {
    let by_price = |a: &&Candidate, b: &&Candidate| price(a).total_cmp(&price(b));
    let climbed_to =
        candidates.iter().filter(|c| c.known.as_ref().is_some_and(|model| model.frontier)).max_by(by_price);
    let frontier = climbed_to.or_else(|| candidates.iter().max_by(by_price))?;
    let others = || candidates.iter().filter(|candidate| *candidate != frontier);
    let local = others().find(|candidate| candidate.provider.local);
    let kin = others().filter(|candidate| candidate.provider == frontier.provider).min_by(by_price);
    let cheap = local.or(kin).or_else(|| others().min_by(by_price))?;
    (price(cheap) <= price(frontier)).then(|| Pair { cheap: cheap.clone(), frontier: frontier.clone() })
}

/// USD for a million tokens in and a quarter of that out; a local model's price is not known, and taken for nothing.
fn price(candidate: &Candidate) -> f64 {
    candidate.known.as_ref().map_or(0.0, |model| model.price.input + model.price.output / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::Catalogue;

    fn all(providers: &[&str]) -> Vec<Candidate> {
        let table = Catalogue::built_in().unwrap();
        let mut found = Vec::new();
        for provider in table.providers.iter().filter(|provider| providers.contains(&provider.name.as_str())) {
            if provider.local {
                found.push(Candidate { provider: provider.clone(), model: "qwen3:4b".to_owned(), known: None });
            }
            for model in table.models.iter().filter(|model| model.provider == provider.name) {
                let (provider, name) = (provider.clone(), model.model.clone());
                found.push(Candidate { provider, model: name, known: Some(model.clone()) });
            }
        }
        found
    }

    fn suggested(providers: &[&str]) -> Option<[String; 2]> {
        suggest(&all(providers)).map(|pair| [pair.cheap.name(), pair.frontier.name()])
    }

    #[test]
    fn the_pair_is_of_one_provider_unless_a_model_runs_here() {
        let names = |cheap: &str, frontier: &str| Some([cheap.to_owned(), frontier.to_owned()]);
        assert_eq!(suggested(&["openai"]), names("openai/gpt-5-nano", "openai/gpt-4o"));
        assert_eq!(
            suggested(&["anthropic", "openai"]),
            names("anthropic/claude-haiku-4-5", "anthropic/claude-opus-4-6")
        );
        assert_eq!(suggested(&["ollama", "openai"]), names("ollama/qwen3:4b", "openai/gpt-4o"));
        assert_eq!(suggested(&["ollama"]), None);
        assert_eq!(suggested(&[]), None);
    }

    #[test]
    fn a_name_means_one_model() {
        let candidates = all(&["openai", "groq"]);
        assert_eq!(named(&candidates, "gpt-4o").unwrap().name(), "openai/gpt-4o");
        assert_eq!(named(&candidates, "groq/llama-3.1-8b-instant").unwrap().model, "llama-3.1-8b-instant");
        assert!(named(&candidates, "gpt-9").unwrap_err().contains("openai/gpt-4o"));
        let mut twice = candidates;
        let mut other = twice[0].clone();
        other.provider.name = "mirror".to_owned();
        twice.push(other);
        assert!(named(&twice, &twice[0].model).unwrap_err().contains("mirror/"));
    }
}
