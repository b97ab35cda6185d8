//! Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// The headers of one attempt: a signature by every secret, so that a receiver that knows any of them can verify it.
///
/// # Errors
/// When a secret cannot be used; it is not told.
pub(super) fn headers(
    secrets: &[SecretString],
    id: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<HeaderMap, &'static str> {
    let mut signatures = Vec::new();
    for secret in secrets {
        let signing = Webhook::new(secret.expose_secret()).map_err(|_| "a secret is not one of Standard Webhooks")?;
        signatures.push(signing.sign(id, now.as_second(), body).map_err(|_| "the message cannot be signed")?);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (HEADER_WEBHOOK_ID, id.to_owned()),
        (HEADER_WEBHOOK_TIMESTAMP, now.as_second().to_string()),
        (HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")),
    ] {
        let value = HeaderValue::from_str(&value).map_err(|_| "the message's id is not one")?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn signed(secrets: &[&str], at: i64, id: &str, body: &str) -> HeaderMap {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
        headers(&secrets, id, Timestamp::from_second(at).unwrap(), body.as_bytes()).unwrap()
    }

    /// The vectors of the specification and of its libraries.
    #[test]
    fn golden_vectors() {
        let first = signed(&[OLD], 1_614_265_330, "msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        assert_eq!(first["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let second = signed(&[NEW], 1_649_367_553, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", body);
        assert_eq!(second["webhook-signature"], "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
        assert_eq!(second["webhook-timestamp"], "1649367553");
    }

    #[test]
    fn while_a_secret_is_replaced_both_can_verify() {
        let now = Timestamp::now().as_second();
        let headers = signed(&[NEW, OLD], now, "msg_1", "{}");
        assert_eq!(headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
        for secret in [NEW, OLD] {
            assert!(Webhook::new(secret).unwrap().verify(b"{}", &headers).is_ok());
        }
        let error = super::headers(&["whsec_%%".into()], "msg_1", Timestamp::now(), b"{}").unwrap_err();
        assert!(!error.contains("%%"));
    }
}
