//! The order of the crates, lowest first. An arrow goes from a row to a row above it, and only to those it names.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Same input, same output: no I/O, clock, environment or randomness, not even through a dependency.
    Pure,
    /// Talks to the world.
    Edge,
    /// Never part of what is shipped.
    Dev,
}

#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) package: &'static str,
    pub(crate) kind: Kind,
    /// Crates of this workspace that it may have as a normal or build dependency.
    pub(crate) may_use: &'static [&'static str],
}

const fn layer(package: &'static str, kind: Kind, may_use: &'static [&'static str]) -> Layer {
    Layer { package, kind, may_use }
}

const TYPES: &str = "interven-types";
const VAULT: &str = "interven-vault";
const LEDGER: &str = "interven-ledger";
const NORMALIZE: &str = "interven-normalize";
const CLASSIFY: &str = "interven-classify";
const POLICY: &str = "interven-policy";
const ENGINE: &str = "interven-engine";
const STORE: &str = "interven-store";
const STORE_SQLITE: &str = "interven-store-sqlite";
const STORE_POSTGRES: &str = "interven-store-postgres";
const SPOOL: &str = "interven-spool";
const HTTP: &str = "interven-http";
const LIVE: &str = "interven-live";
const GATEWAY: &str = "interven-gateway";
const TELEMETRY: &str = "interven-telemetry";
const CLIENT: &str = "interven-client";
const EGRESS: &str = "interven-egress";
const GUARD: &str = "interven-guard";
const INTERVEN: &str = "interven";
const TESTKIT: &str = "interven-testkit";

const SHIPPED: &[&str] = &[
    TYPES,
    VAULT,
    LEDGER,
    NORMALIZE,
    CLASSIFY,
    POLICY,
    ENGINE,
    STORE,
    STORE_SQLITE,
    STORE_POSTGRES,
    SPOOL,
    HTTP,
    LIVE,
    GATEWAY,
    TELEMETRY,
    CLIENT,
    EGRESS,
    GUARD,
];

/// Benches measure what is shipped, on throw-away servers.
const MEASURED: &[&str] =
    &[TYPES, LEDGER, NORMALIZE, CLASSIFY, POLICY, ENGINE, STORE, STORE_SQLITE, STORE_POSTGRES, TESTKIT];

pub(crate) const LAYERS: &[Layer] = &[
    layer(TYPES, Kind::Pure, &[]),
    layer(VAULT, Kind::Pure, &[TYPES]),
    layer(LEDGER, Kind::Pure, &[]),
    layer(NORMALIZE, Kind::Pure, &[TYPES]),
    layer(CLASSIFY, Kind::Pure, &[TYPES]),
    layer(POLICY, Kind::Pure, &[TYPES]),
    layer(ENGINE, Kind::Pure, &[TYPES, VAULT, NORMALIZE, CLASSIFY, POLICY]),
    layer(STORE, Kind::Edge, &[TYPES, LEDGER]),
    layer(STORE_SQLITE, Kind::Edge, &[TYPES, LEDGER, STORE]),
    layer(STORE_POSTGRES, Kind::Edge, &[TYPES, LEDGER, STORE]),
    layer(SPOOL, Kind::Edge, &[TYPES, VAULT, STORE]),
    layer(HTTP, Kind::Edge, &[TYPES]),
    layer(CLIENT, Kind::Edge, &[TYPES]),
    layer(EGRESS, Kind::Edge, &[TYPES, CLIENT]),
    layer(
        LIVE,
        Kind::Edge,
        &[TYPES, VAULT, LEDGER, NORMALIZE, CLASSIFY, POLICY, ENGINE, STORE, SPOOL, HTTP, EGRESS],
    ),
    layer(GATEWAY, Kind::Edge, &[TYPES, VAULT, POLICY, ENGINE, STORE, HTTP, LIVE, EGRESS]),
    layer(TELEMETRY, Kind::Edge, &[TYPES, LEDGER, CLASSIFY, POLICY, ENGINE, STORE, HTTP, LIVE]),
    layer(GUARD, Kind::Edge, &[TYPES, NORMALIZE, CLASSIFY, POLICY, ENGINE, CLIENT]),
    layer(INTERVEN, Kind::Edge, SHIPPED),
    layer(TESTKIT, Kind::Dev, SHIPPED),
    layer("bench", Kind::Dev, MEASURED),
    layer("xtask", Kind::Dev, &[]),
];

pub(crate) fn layer_of(package: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.package == package)
}

#[cfg(test)]
mod tests {
    use super::{Kind, LAYERS};

    #[test]
    fn the_table_is_an_order_in_which_every_arrow_goes_down() {
        for (position, layer) in LAYERS.iter().enumerate() {
            for target in layer.may_use {
                let below = LAYERS.iter().position(|other| other.package == *target);
                assert!(below.is_some_and(|below| below < position), "{} to {target}", layer.package);
            }
        }
    }

    #[test]
    fn pure_crates_use_pure_crates_and_nothing_shipped_uses_development_crates() {
        for layer in LAYERS {
            for used in LAYERS.iter().filter(|other| layer.may_use.contains(&other.package)) {
                assert!(
                    layer.kind == Kind::Dev || used.kind != Kind::Dev,
                    "{} to {}",
                    layer.package,
                    used.package
                );
                assert!(
                    layer.kind != Kind::Pure || used.kind == Kind::Pure,
                    "{} to {}",
                    layer.package,
                    used.package
                );
            }
        }
    }
}
