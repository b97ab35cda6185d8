//! What a finish reason says of an answer.

/// Reasons under which an answer is what the model had to say.
const GOOD: [&str; 11] = [
    "stop",
    "length",
    "tool_calls",
    "function_call",
    "content_filter",
    "eos",
    "eos_token",
    "stop_sequence",
    "end_turn",
    "max_tokens",
    "tool_use",
];

/// Reasons under which the server gave up, whatever it had said before.
const BAD: [&str; 10] = [
    "error",
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "timeout",
    "overloaded",
    "insufficient_system_resource",
    "network_error",
    "malformed_function_call",
];

/// Why an answer that ends for this reason is a failure, although it came with success; `None` where it is none. A reason
/// that nobody knows is one where nothing was said: quota and safety failures come that way.
pub(super) fn failure(reason: &str, said_something: bool) -> Option<String> {
    let lower = reason.to_ascii_lowercase();
    let failed = BAD.contains(&lower.as_str()) || !(said_something || GOOD.contains(&lower.as_str()));
    failed.then(|| format!("the finish reason is `{}`", reason.chars().take(60).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::failure;

    #[test]
    fn known_reasons_stand_whatever_was_said() {
        for reason in ["stop", "LENGTH", "tool_calls", "content_filter"] {
            assert_eq!((failure(reason, true), failure(reason, false)), (None, None), "{reason}");
        }
        for reason in ["error", "abort", "insufficient_system_resource", "MALFORMED_FUNCTION_CALL"] {
            assert!(failure(reason, true).is_some() && failure(reason, false).is_some(), "{reason}");
        }
    }

    #[test]
    fn an_unknown_reason_is_a_failure_where_nothing_was_said() {
        assert_eq!(failure("vendor_stop", true), None);
        assert_eq!(failure("quota", false).as_deref(), Some("the finish reason is `quota`"));
    }
}
