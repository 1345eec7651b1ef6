//! What happens to a call when something fails.

use serde::{Deserialize, Deserializer, Serialize};

/// The one failure mode of the product. Anything unknown decodes to `Closed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailMode {
    /// The call does not go through.
    #[default]
    Closed,
    /// The call goes through, is logged and counted: only where an operator chose so.
    Open,
}

impl<'de> Deserialize<'de> for FailMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(if matches!(text.as_str(), "open" | "fail_open") { Self::Open } else { Self::Closed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_modes_fail_closed() {
        let read = |text: &str| serde_json::from_str::<FailMode>(text).unwrap();
        assert_eq!(read("\"open\""), FailMode::Open);
        assert_eq!(read("\"OPEN\""), FailMode::Closed);
        assert_eq!(read("\"sometimes\""), FailMode::Closed);
    }
}
