//! Trouble that lasts is told of once, not at every try.

use std::fmt::Display;

/// What went wrong at the last try of something that is tried over and over.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    last: Option<String>,
}

impl Trouble {
    /// The error of this try where it is another than that of the last one; a try that went well forgets it.
    pub(crate) fn news<T, E: Display>(&mut self, tried: &Result<T, E>) -> Option<&str> {
        let now = tried.as_ref().err().map(E::to_string);
        let is_news = now != self.last;
        self.last = now;
        self.last.as_deref().filter(|_| is_news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_trouble_is_told_once_and_again_after_it_was_over() {
        let mut trouble = Trouble::default();
        let tries = [Err("down"), Err("down"), Err("full"), Ok(()), Err("full"), Ok(()), Ok(())];
        let told: Vec<Option<String>> = tries.iter().map(|tried| trouble.news(tried).map(str::to_owned)).collect();
        assert_eq!(
            told,
            [Some("down"), None, Some("full"), None, Some("full"), None, None].map(|t| t.map(str::to_owned))
        );
    }
}
