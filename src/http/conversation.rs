//! Which conversation a request belongs to.

use axum::http::HeaderMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::chat::{ChatRequest, Role};

/// Headers by which clients name their session.
const SESSION: [&str; 2] = ["x-session-id", "x-claude-code-session-id"];

/// The key of a request's conversation: a hash of the tenant and the session that the client names or, where it names none, of how
/// the conversation begins, which stays the same: what the system says, the tools, and what the user said first. `None` for
/// a request without words of a user.
pub(super) fn key(headers: &HeaderMap, request: &ChatRequest, tenant: Option<&str>) -> Option<String> {
    let mut hash = Sha256::new();
    let mut add = |text: &[u8]| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(tenant.unwrap_or_default().as_bytes());
    let session = SESSION.iter().find_map(|name| headers.get(*name)).filter(|session| !session.is_empty());
    if let Some(session) = session {
        add(session.as_bytes());
    } else {
        let first = request.messages().iter().position(|message| message.role == Role::User)?;
        for message in &request.messages()[..=first] {
            add(message.text.as_bytes());
        }
        let tools: Option<Value> = request.get("tools");
        add(tools.map(|tools| tools.to_string()).unwrap_or_default().as_bytes());
    }
    Some(hex::encode(&hash.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(session: Option<&str>, body: &str, tenant: Option<&str>) -> Option<String> {
        let headers = session.map(|session| ("x-session-id".parse().unwrap(), session.parse().unwrap()));
        key(&headers.into_iter().collect(), &ChatRequest::parse(body.as_bytes()).unwrap(), tenant)
    }

    #[test]
    fn a_conversation_keeps_its_key_as_it_goes_on() {
        let first = r#"{"role":"system","content":"be brief"},{"role":"user","content":"hello"}"#;
        let body = |more: &str| format!(r#"{{"model":"auto","messages":[{first}{more}]}}"#);
        let later = body(r#",{"role":"assistant","content":"hi"},{"role":"user","content":"go on"}"#);
        let start = of(None, &body(""), None);
        assert!(start.as_ref().is_some_and(|key| key.len() == 32));
        assert_eq!(start, of(None, &later, None));
        assert_ne!(start, of(None, &body("").replace("brief", "long"), None));
        assert_ne!(start, of(None, &body("").replace("}]}", r#"}],"tools":[]}"#), None));
        assert_ne!(start, of(None, &body(""), Some("acme")));
        assert_eq!(of(Some("s"), &body(""), None), of(Some("s"), &later.replace("hello", "good day"), None));
        assert_eq!(of(None, r#"{"messages":[{"role":"system","content":"x"}]}"#, None), None);
    }
}
