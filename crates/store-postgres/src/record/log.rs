//! Rows of `activity_log` on their way in, many in one statement: an array for each column, unnested.

use crate::{
    columns::{Prepared, Values},
    ledger::{Bound, bound, columns},
};
use interven_store::{ActivityRow, ColumnKind, Log, StoreResult, activity_cells};
use interven_types::TenantId;
use std::sync::LazyLock;

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let table = Log::Activity.table();
    let kinds = table.columns.iter().map(|(_, kind)| sql_type(*kind)).chain(["bytea"]);
    let arrays: Vec<String> = kinds.zip(1..).map(|(kind, place)| format!("${place}::{kind}[]")).collect();
    let (name, columns, arrays) = (table.name, columns(table), arrays.join(", "));
    format!("INSERT INTO {name} ({columns}, leaf_hash) SELECT * FROM unnest({arrays})")
});

fn sql_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Id => "uuid",
        ColumnKind::Time => "timestamptz",
        ColumnKind::Text | ColumnKind::Document => "text",
        ColumnKind::Integer => "bigint",
        ColumnKind::Real => "double precision",
        ColumnKind::Blob => "bytea",
    }
}

pub(super) fn insert<'a>(
    tenant: TenantId,
    rows: impl Iterator<Item = &'a ActivityRow>,
) -> StoreResult<Prepared<'a>> {
    let mut arrays: Vec<Vec<Bound<'a>>> = Vec::new();
    arrays.resize_with(Log::Activity.table().columns.len() + 1, Vec::new);
    for row in rows {
        let cells = bound(Log::Activity, activity_cells(tenant, row)?);
        arrays.iter_mut().zip(cells).for_each(|(array, cell)| array.push(cell));
    }
    let params = arrays.into_iter().map(|array| Box::new(array) as Values<'a>).collect();
    Ok(Prepared { sql: &INSERT, params })
}
