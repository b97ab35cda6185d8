use std::collections::HashSet;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{Content, RouteJudge, in_range};

/// Settings of one route: of the requests that name it in `x-rungs-route`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteConfig {
    /// What the answers of the tiers below the last are held against before they are served.
    pub checks: Vec<CheckConfig>,
    /// The route's own `cascade.stream.ttft_budget_s`.
    pub ttft_budget_s: Option<f64>,
    /// The route's own `log.content`.
    pub content: Option<Content>,
    /// The lowest tier that the router may choose.
    pub min_tier: Option<String>,
    /// The highest one.
    pub max_tier: Option<String>,
    /// The probability of an acceptable answer that the start must have, in [0, 1], where any tier has it.
    pub min_quality: Option<f64>,
    /// The route's own `policy.routed_share`.
    pub routed_share: Option<f64>,
    /// How its answers are judged afterwards.
    pub judge: RouteJudge,
}

/// One check: exactly one of `command`, `url`, `must_match`, `must_not_match` and `schema` says what it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckConfig {
    /// What records call it.
    pub name: String,
    /// A program and its arguments, run without a shell.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// Environment variables that the program may see beside the harmless ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// An endpoint to post to.
    #[serde(default)]
    pub url: Option<String>,
    /// What the answer's text must match somewhere.
    #[serde(default)]
    pub must_match: Option<Pattern>,
    /// What it must match nowhere.
    #[serde(default)]
    pub must_not_match: Option<Pattern>,
    /// The JSON schema, as JSON text, that the answer's text must fulfil.
    #[serde(default)]
    pub schema: Option<JsonSchema>,
    /// A pass with a lower score is a failure; the check must then give a score.
    #[serde(default)]
    pub min_score: Option<f64>,
    /// Seconds until the check is given up.
    #[serde(default = "timeout")]
    pub timeout_s: f64,
    /// Whether a pass accepts the answer whatever is predicted of it; otherwise it only does not stand in its way.
    #[serde(default = "vouches")]
    pub vouches: bool,
}

/// A regular expression.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(Regex);

/// The text of a JSON schema that can be used.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonSchema(String);

impl Pattern {
    /// Whether a text matches somewhere.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The text with every match replaced; `None` where there is none.
    #[must_use]
    pub fn replaced(&self, text: &str, by: &str) -> Option<String> {
        match self.0.replace_all(text, by) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(replaced) => Some(replaced),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Regex::new(&text).map(Self)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.as_str().to_owned()
    }
}

impl JsonSchema {
    /// The schema as JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JsonSchema {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let schema = serde_json::from_str(&text).map_err(|error| format!("the schema is not JSON: {error}"))?;
        jsonschema::options().offline().build(&schema).map_err(|error| format!("not a JSON schema: {error}"))?;
        Ok(Self(text))
    }
}

impl From<JsonSchema> for String {
    fn from(schema: JsonSchema) -> Self {
        schema.0
    }
}

impl RouteConfig {
    /// How long a streamed answer may be held back, where the route has a limit of its own.
    #[must_use]
    pub fn ttft_budget(&self) -> Option<Duration> {
        self.ttft_budget_s.map(Duration::from_secs_f64)
    }

    pub(super) fn check(&self, route: &str) -> Result<(), String> {
        in_range(&format!("routes.{route}.routed_share"), self.routed_share.unwrap_or(0.0), 0.0, 1.0)?;
        in_range(&format!("routes.{route}.min_quality"), self.min_quality.unwrap_or(0.0), 0.0, 1.0)?;
        in_range(&format!("routes.{route}.ttft_budget_s"), self.ttft_budget_s.unwrap_or(0.0), 0.0, 86_400.0)?;
        self.judge.check(&format!("routes.{route}.judge"))?;
        let mut seen = HashSet::new();
        for check in &self.checks {
            check.check(&format!("routes.{route}.checks.{}", check.name))?;
            if !seen.insert(check.name.as_str()) {
                return Err(format!("routes.{route}.checks: the name `{}` is given twice", check.name));
            }
        }
        Ok(())
    }
}

impl CheckConfig {
    fn check(&self, key: &str) -> Result<(), String> {
        let kinds = [
            self.command.is_some(),
            self.url.is_some(),
            self.must_match.is_some(),
            self.must_not_match.is_some(),
            self.schema.is_some(),
        ];
        if kinds.into_iter().filter(|given| *given).count() != 1 {
            return Err(format!("{key}: give exactly one of command, url, must_match, must_not_match and schema"));
        }
        if self.command.as_ref().is_some_and(|command| command.first().is_none_or(String::is_empty)) {
            return Err(format!("{key}.command: must begin with a program"));
        }
        if self.url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(format!("{key}.url: must begin with http:// or https://"));
        }
        if self.min_score.is_some() && self.command.is_none() && self.url.is_none() {
            return Err(format!("{key}.min_score: only a command or a url gives a score"));
        }
        in_range(&format!("{key}.min_score"), self.min_score.unwrap_or(0.0), 0.0, 1.0)?;
        in_range(&format!("{key}.timeout_s"), self.timeout_s, 0.001, 3_600.0)
    }
}

fn timeout() -> f64 {
    5.0
}

fn vouches() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(check: &str) -> String {
        let parsed = toml::from_str::<RouteConfig>(&format!("[[checks]]\nname = \"c\"\n{check}"));
        match parsed {
            Err(error) => error.to_string(),
            Ok(route) => route.check("r").err().unwrap_or_default(),
        }
    }

    #[test]
    fn a_good_check_is_one_thing() {
        for good in
            ["command = [\"true\"]", "url = \"http://c\"", "must_match = \"^a\"", "schema = '{\"type\":\"object\"}'"]
        {
            assert_eq!(error(good), "", "{good}");
        }
        assert!(error("").contains("routes.r.checks.c") && error("").contains("exactly one"));
        assert!(error("url = \"http://c\"\nmust_match = \"a\"").contains("exactly one"));
    }

    #[test]
    fn what_cannot_work_is_refused_before_serving() {
        for (bad, says) in [
            ("must_match = \"(\"", "unclosed"),
            ("schema = '{'", "not JSON"),
            ("schema = '{\"type\":7}'", "not a JSON schema"),
            ("schema = '{\"$ref\":\"http://127.0.0.1:9/x\"}'", "not a JSON schema"),
            ("command = []", "program"),
            ("url = \"ftp://c\"", "http://"),
            ("must_match = \"a\"\nmin_score = 0.5", "score"),
            ("command = [\"true\"]\ntimeout_s = 0", "timeout_s"),
            ("shell = \"true\"", "shell"),
        ] {
            assert!(error(bad).contains(says), "{bad}: {}", error(bad));
        }
    }
}
