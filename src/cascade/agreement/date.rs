//! Calendar dates as people and models write them.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::{Captures, Regex};

/// The date that a short text speaks of, if it speaks of exactly one. `05/01/2021` is read as month and day; where
/// that is no date, as day and month.
pub(super) fn only(text: &str) -> Option<Date> {
    if text.len() > LONGEST {
        return None;
    }
    // Two spaces, because a form takes the character at either end of a date with it.
    let text = text.to_lowercase().replace(' ', "  ");
    if text.split(|c: char| !c.is_alphanumeric()).any(|word| RELATIONS.contains(&word)) {
        return None;
    }
    let mut found = FORMS.iter().flatten().flat_map(|form| form.captures_iter(&text)).filter_map(|parts| date(&parts));
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// In a longer text a date is more likely mentioned than meant, in bytes.
const LONGEST: usize = 60;

/// Words with which a text speaks of another time than the date in it.
const RELATIONS: [&str; 7] = ["before", "after", "since", "until", "not", "between", "from"];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

static FORMS: LazyLock<[Option<Regex>; 4]> = LazyLock::new(|| {
    [
        r"(?:^|[^\d/.-])(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?:$|t\d|\.\s|\.$|[^\d/.-])",
        r"(?:^|[^\d/.-])(?P<m>\d{1,2})[-/.](?P<d>\d{1,2})[-/.](?P<y>\d{4})(?:$|\.\s|\.$|[^\d/.-])",
        r"\b(?P<month>[a-z]{3,9})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})\b",
        r"\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>[a-z]{3,9})\.?,?\s+(?P<y>\d{4})\b",
    ]
    .map(|form| Regex::new(form).ok())
});

fn date(parts: &Captures<'_>) -> Option<Date> {
    let number = |name| parts.name(name).and_then(|part| part.as_str().parse::<i8>().ok());
    let year: i16 = parts.name("y")?.as_str().parse().ok()?;
    let day = number("d")?;
    match parts.name("month") {
        Some(name) => Date::new(year, month(name.as_str())?, day).ok(),
        None => {
            let month = number("m")?;
            Date::new(year, month, day).or_else(|_| Date::new(year, day, month)).ok()
        }
    }
}

/// The month that a name or its abbreviation stands for, from 1.
fn month(name: &str) -> Option<i8> {
    let full = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let place = full
        .iter()
        .zip(MONTHS)
        .position(|(full, short)| name == *full || name == short || name == "sept" && short == "sep")?;
    i8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_date_has_many_spellings() {
        let date = only("2021-05-01").unwrap();
        for text in [
            "05/01/2021",
            "5/1/2021",
            "2021/5/1",
            "May 1, 2021",
            "May 1st, 2021",
            "1 May 2021",
            "Saturday, the 1st of May, 2021",
            "The date is 05/01/2021.",
            "(05/01/2021)",
            "2021-05-01T00:00:00Z",
            "05/01/2021, that is May 1, 2021",
        ] {
            assert_eq!(only(text), Some(date), "{text}");
        }
        assert_eq!(only("25/12/2020"), only("12/25/2020"));
        assert_eq!(only("Sept. 9, 2001"), only("9 September 2001"));
    }

    #[test]
    fn what_is_no_date_or_more_than_one_is_not_read() {
        for text in [
            "",
            "13/13/2020",
            "02/30/2020",
            "1/2",
            "1.2.3",
            "05/01/2021 or 05/02/2021",
            "05/01/2021 05/02/2021",
            "before 05/01/2021",
            "v10.12.2020.1",
            "12 people 2020",
        ] {
            assert_eq!(only(text), None, "{text}");
        }
        assert_eq!(only(&format!("{} 05/01/2021", "word ".repeat(40))), None);
        assert_ne!(only("05/01/2021"), only("01/05/2021"));
    }
}
