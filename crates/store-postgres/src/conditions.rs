//! Filters: conditions and their values, put together as they are asked for.

use crate::{cells::Cells, session::Session};
use interven_store::StoreResult;
use interven_types::TenantId;
use tokio_postgres::types::{ToSql, Type};

/// What follows WHERE. `$1` is the tenant.
pub(crate) struct Conditions {
    pub sql: String,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Conditions {
    pub(crate) fn of(tenant: TenantId) -> Self {
        Self { sql: "tenant_id = $1".to_owned(), values: vec![(Box::new(tenant.0), Type::UUID)] }
    }

    /// A condition that needs no value.
    pub(crate) fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Every question mark stands for the value.
    pub(crate) fn and_with(
        &mut self,
        condition: &str,
        value: impl ToSql + Sync + Send + 'static,
        value_type: Type,
    ) {
        self.values.push((Box::new(value), value_type));
        self.and(&condition.replace('?', &format!("${}", self.values.len())));
    }

    /// Runs a statement made of them.
    pub(crate) async fn rows<T>(
        &self,
        db: &Session,
        sql: &str,
        read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>> {
        let values = self.values.iter();
        let params: Vec<_> =
            values.map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect();
        db.rows_once(sql, &params, read).await
    }
}
