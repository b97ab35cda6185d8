//! What a key may take a minute, and what its answers tell of that.

use std::num::NonZeroU32;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::error::ApiError;
use crate::chat::ChatRequest;
use crate::config::ClientKey;
use crate::meters::{Meter, Meters, Take};
use crate::policy::Tokens;

/// The limits of a key.
#[derive(Debug)]
pub(super) struct Rates {
    meters: Meters,
    requests: Option<Rate>,
    tokens: Option<Rate>,
}

/// A bucket that is full with a minute's worth, and leaks as much in a minute.
#[derive(Debug)]
struct Rate {
    what: &'static What,
    bucket: Meter,
    most: f64,
}

/// What is counted, and OpenAI's names of the headers that tell of it.
#[derive(Debug)]
struct What {
    name: &'static str,
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

static REQUESTS: What = What {
    name: "requests",
    limit: HeaderName::from_static("x-ratelimit-limit-requests"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-requests"),
    reset: HeaderName::from_static("x-ratelimit-reset-requests"),
};

static TOKENS: What = What {
    name: "tokens",
    limit: HeaderName::from_static("x-ratelimit-limit-tokens"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-tokens"),
    reset: HeaderName::from_static("x-ratelimit-reset-tokens"),
};

impl Rates {
    /// The limits of this key, counted in these meters.
    pub(super) fn of(key: &ClientKey, meters: &Meters) -> Self {
        let rate = |what, most: Option<NonZeroU32>| Some(Rate::new(what, &key.name, f64::from(most?.get())));
        let (requests, tokens) = (rate(&REQUESTS, key.requests_per_minute), rate(&TOKENS, key.tokens_per_minute));
        Self { meters: meters.clone(), requests, tokens }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// 429 with the time until there is room, where the limit is reached.
    pub(super) async fn take_request(&self) -> Result<(), ApiError> {
        let Some(rate) = &self.requests else { return Ok(()) };
        rate.take(1.0, &self.meters).await
    }

    /// Counts about so many tokens as a request is expected to take.
    ///
    /// # Errors
    /// 429 with the time until there is room; without one where no minute has room for so many.
    pub(super) async fn take_tokens(&self, request: &ChatRequest) -> Result<(), ApiError> {
        let Some(rate) = &self.tokens else { return Ok(()) };
        let expected = Tokens::estimate(request).expected;
        rate.take(expected.input_tokens.saturating_add(expected.output_tokens) as f64, &self.meters).await
    }

    /// Tells of each limit what it is, what is left of it, and when all of it will be there again: by what this process knows,
    /// which of a shared limit is what the database said last.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        for rate in [&self.requests, &self.tokens].into_iter().flatten() {
            rate.tell(self.meters.level(&rate.bucket), headers);
        }
    }
}

impl Rate {
    fn new(what: &'static What, key: &str, most: f64) -> Self {
        Self { what, bucket: Meter::per_minute(&format!("rate/{}/{key}", what.name), most), most }
    }

    async fn take(&self, amount: f64, meters: &Meters) -> Result<(), ApiError> {
        let take = Take { meter: self.bucket.clone(), amount, most: self.most };
        meters.take(vec![take]).await.map_err(|full| {
            let (name, most) = (self.what.name, self.most);
            let message = match full.wait {
                Some(_) => format!("this key has used up its {name} per minute"),
                None => {
                    format!("this request is expected to take {amount} {name}, and this key may take {most} per minute")
                }
            };
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", message)
                .with_code("rate_limit_exceeded")
                .with_retry_after(full.wait)
        })
    }

    fn tell(&self, level: f64, headers: &mut HeaderMap) {
        let mut set = |name: &HeaderName, value: String| {
            // Digits and letters: every header can carry them.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        set(&self.what.limit, format!("{}", self.most));
        set(&self.what.remaining, format!("{}", (self.most - level).floor().max(0.0)));
        set(&self.what.reset, pause(level / self.most * 60.0));
    }
}

/// A time of up to a minute as OpenAI writes it: `120ms`, `8.64s`, `1m0s`.
fn pause(seconds: f64) -> String {
    let ms = (seconds * 1e3).ceil().max(0.0);
    if ms < 1e3 {
        format!("{ms}ms")
    } else if ms < 60e3 {
        format!("{}s", ms / 1e3)
    } else {
        format!("{}m{}s", (ms / 60e3).floor(), ms % 60e3 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_openais_clients_read_them() {
        assert_eq!([0.0, 0.0004, 0.12, 1.0].map(pause), ["0ms", "1ms", "120ms", "1s"]);
        assert_eq!([8.64, 59.9999, 60.0, 90.5].map(pause), ["8.64s", "1m0s", "1m0s", "1m30.5s"]);
    }

    #[test]
    fn what_is_left_and_when_it_is_whole_again_follow_the_level() {
        let rate = Rate::new(&TOKENS, "a", 1_000.0);
        let told = |level| {
            let mut headers = HeaderMap::new();
            rate.tell(level, &mut headers);
            ["limit", "remaining", "reset"].map(|name| headers[&format!("x-ratelimit-{name}-tokens")].clone())
        };
        assert_eq!(told(0.0), ["1000", "1000", "0ms"]);
        assert_eq!(told(250.5), ["1000", "749", "15.03s"]);
        // Whatever another router has added since.
        assert_eq!(told(1_000.0), ["1000", "0", "1m0s"]);
    }
}
