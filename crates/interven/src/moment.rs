//! A point in time as people write it: how long ago, a date, or an exact time.

use interven_types::Timestamp;
use std::{str::FromStr, time::Duration};

/// `7d`, `12h`, `90m`; `2026-11-15`, which begins at midnight UTC; `2026-11-15T08:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Ago(Duration),
    At(Timestamp),
}

#[derive(Debug, thiserror::Error)]
#[error("write 7d, 12h or 90m (days, hours, minutes ago), a date such as 2026-11-15, or an RFC 3339 time")]
pub(crate) struct InvalidMoment;

const UNITS: [(char, u64); 3] = [('d', 24 * 60 * 60), ('h', 60 * 60), ('m', 60)];

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ago = UNITS.iter().find_map(|(unit, seconds)| {
            let count: u64 = text.strip_suffix(*unit)?.parse().ok()?;
            count.checked_mul(*seconds).map(Duration::from_secs)
        });
        match ago {
            Some(ago) => Ok(Self::Ago(ago)),
            None => text.parse().map(Self::At).map_err(|_no_time| InvalidMoment),
        }
    }
}

impl Moment {
    pub(crate) fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.saturating_sub(ago),
            Self::At(time) => time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("7d", "2026-11-15T12:00:00.000Z"),
            ("12h", "2026-11-22T00:00:00.000Z"),
            ("90m", "2026-11-22T10:30:00.000Z"),
            ("2026-11-15", "2026-11-15T00:00:00.000Z"),
            ("2026-11-15T08:00:00+02:00", "2026-11-15T06:00:00.000Z"),
        ] {
            assert_eq!(text.parse::<Moment>().unwrap().seen_from(now).to_string(), expected, "{text}");
        }
        for text in
            ["7", "", "d", "-7d", "7 d", "7w", "1.5d", "99999999999999999999d", "yesterday", "2026-13-01"]
        {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
