//! Which prompts are asked.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::chat::ChatRequest;
use crate::decisions::{DecisionFilter, DecisionStore, StoreError};
use crate::http::without_ours;
use crate::judge::hash::{Salt, uniform};
use crate::labelled::Prompt;
use crate::retrain::conversation::{conversation, question};

/// A prompt that is put to every tier.
#[derive(Debug, Clone)]
pub struct Question {
    /// The hash of what is asked: the same question has it in every run.
    pub key: String,
    /// Its name in the labelled queries.
    pub id: String,
    /// What is sent.
    pub request: ChatRequest,
    /// The named use of the product.
    pub route: Option<String>,
    /// The unit of resampling.
    pub group: String,
}

/// Records of the log that are looked at, the newest.
const MOST_LOGGED: usize = 10_000;

/// The prompts of a log, the newest first; what is not stored as messages is none.
///
/// # Errors
/// When the log cannot be read.
pub async fn logged(store: &dyn DecisionStore, since: Option<Timestamp>) -> Result<Vec<Prompt>, StoreError> {
    let mut filter = DecisionFilter { limit: 1000, since, ..DecisionFilter::default() };
    let (mut prompts, mut seen) = (Vec::new(), 0);
    while seen < MOST_LOGGED {
        let page = store.list(&filter).await?;
        seen += page.decisions.len();
        for record in page.decisions {
            let body = record.request.filter(|body| body["messages"].is_array());
            let Some(Ok(request)) = body.map(|body| ChatRequest::parse(body.to_string().as_bytes())) else { continue };
            let group = Some(conversation(record.task.as_deref(), &request));
            prompts.push(Prompt { id: Some(record.id), request, route: record.route, group });
        }
        filter.before = page.next;
        if filter.before.is_none() {
            break;
        }
    }
    Ok(prompts)
}

/// Draws `most` different questions. A larger sample of the same prompts and seed has the smaller one in it.
#[must_use]
pub fn draw(prompts: Vec<Prompt>, most: usize, seed: u64) -> Vec<Question> {
    let mut found: HashMap<String, Question> = HashMap::new();
    for prompt in prompts {
        let one = Question::of(prompt);
        found.entry(one.key.clone()).or_insert(one);
    }
    let seed = seed.to_string();
    let place = |one: &Question| uniform(&seed, Salt::Bootstrap, &one.key);
    let mut drawn: Vec<Question> = found.into_values().collect();
    drawn.sort_by(|a, b| place(a).total_cmp(&place(b)).then_with(|| a.key.cmp(&b.key)));
    drawn.truncate(most);
    drawn
}

impl Question {
    fn of(prompt: Prompt) -> Self {
        let request = ["model", "stream", "stream_options", "n"]
            .into_iter()
            .fold(without_ours(prompt.request), |request, field| request.without(field));
        let key = question(&request);
        let group = prompt.group.unwrap_or_else(|| conversation(None, &request));
        Self { id: prompt.id.unwrap_or_else(|| key.clone()), key, request, route: prompt.route, group }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(text: &str) -> Prompt {
        Prompt { id: None, request: ChatRequest::from_prompt(text), route: None, group: None }
    }

    #[test]
    fn the_same_question_is_asked_once_and_a_larger_sample_holds_the_smaller() {
        let prompts = || (0..40).map(|n| prompt(&format!("What is {}?", n % 20))).collect::<Vec<_>>();
        let keys = |most, seed| draw(prompts(), most, seed).into_iter().map(|one| one.key).collect::<Vec<_>>();
        let (some, all) = (keys(5, 0), keys(100, 0));
        assert_eq!((some.len(), all.len()), (5, 20));
        assert_eq!(some, all[..5]);
        assert_ne!(keys(5, 1), some);
    }
}
