//! Ids of records: UUIDv7, which sort by time.

use jiff::Timestamp;

/// What an id of this millisecond begins with: ids of earlier ones are less, all others are greater.
#[must_use]
pub fn first_of(at: Timestamp) -> String {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Uuid};

    use super::*;

    #[test]
    fn ids_lie_on_their_side_of_a_moment() {
        let at: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let id = |millis: i64| {
            let since = std::time::Duration::from_millis((at.as_millisecond() + millis).cast_unsigned());
            Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, since.as_secs(), since.subsec_nanos())).to_string()
        };
        assert!(id(-1) < first_of(at) && first_of(at) <= id(0) && first_of(at) < id(1));
        assert_eq!(first_of(Timestamp::UNIX_EPOCH), "00000000-0000");
    }
}
