//! What belongs together in the log.

use sha2::{Digest, Sha256};

use crate::chat::{ChatRequest, Role};

/// The name of the conversation that a request belongs to: the agent run, where it names one, else a hash of what all
/// requests of one conversation begin with: system prompt, tools and the first message of the user.
pub(crate) fn conversation(task: Option<&str>, request: &ChatRequest) -> String {
    if let Some(task) = task {
        return format!("task/{task}");
    }
    let mut hash = Hash::default();
    let system = request.messages().iter().take_while(|message| message.role == Role::System);
    system.for_each(|message| hash.part(message.text.as_bytes()));
    request.tools().iter().for_each(|tool| hash.part(tool.to_string().as_bytes()));
    if let Some(first) = request.messages().iter().find(|message| message.role == Role::User) {
        hash.part(first.text.as_bytes());
    }
    hash.end()
}

/// A hash of all that the router reads of a request: two requests of one hash are the same question.
pub(crate) fn question(request: &ChatRequest) -> String {
    let mut hash = Hash::default();
    for message in request.messages() {
        hash.part(format!("{:?}", message.role).as_bytes());
        hash.part(message.text.as_bytes());
        hash.part(&message.tool_calls.to_be_bytes());
        hash.part(&message.attachments.to_be_bytes());
    }
    request.tools().iter().for_each(|tool| hash.part(tool.to_string().as_bytes()));
    hash.end()
}

#[derive(Default)]
struct Hash(Sha256);

impl Hash {
    /// Lengths are hashed too: no part can run into the next.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn end(self) -> String {
        hex::encode(&self.0.finalize()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(messages: &str) -> ChatRequest {
        ChatRequest::parse(format!("{{\"messages\":[{messages}]}}").as_bytes()).unwrap()
    }

    #[test]
    fn the_turns_of_a_conversation_belong_together_and_are_different_questions() {
        let first = r#"{"role":"system","content":"be kind"},{"role":"user","content":"hi"}"#;
        let one = request(first);
        let two =
            request(&format!(r#"{first},{{"role":"assistant","content":"?"}},{{"role":"user","content":"more"}}"#));
        assert_eq!(conversation(None, &one), conversation(None, &two));
        assert_ne!(question(&one), question(&two));
        assert_eq!(question(&one), question(&request(first)));
        assert_ne!(conversation(None, &one), conversation(None, &request(r#"{"role":"user","content":"hi"}"#)));
        assert_eq!(conversation(Some("run-7"), &one), "task/run-7");
    }
}
