//! What a monitor's change is told as.

use super::Finding;
use crate::alert::Scope;
use crate::drift::hours::Direction;
use crate::drift::key::Key;
use crate::drift::rate::Change;

/// A finding whose cause nobody looks for.
pub(super) fn plain(key: Key, change: Change) -> Finding {
    match change {
        Change::Raised(moved) => Finding::Raised(key, moved, None),
        Change::Cleared => Finding::Cleared(key),
    }
}

/// The monitor of one direction.
pub(super) fn directed(key: &Key, direction: Direction) -> Key {
    let line = match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    };
    Key { family: key.family, scope: Scope { line: Some(line.to_owned()), ..key.scope.clone() } }
}
