//! The cells of rows, and values on their way into them.
//!
//! Ids are UUIDs, times instants in milliseconds, words what they are on the wire, documents JSON text. A cell that
//! cannot be read is [`StoreError::Corrupt`] and names its column. Statements name the columns they read: after a newer
//! process has added one, a prepared `SELECT *` would fail.

use bytes::BytesMut;
use interven_store::{StoreError, StoreResult};
use interven_types::Timestamp;
use serde::{Serialize, de::DeserializeOwned, de::IntoDeserializer};
use std::{borrow::Cow, error::Error};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked},
};
use uuid::Uuid;

/// One row, read by column name.
pub(crate) struct Cells<'row>(pub(crate) &'row Row);

impl<'row> Cells<'row> {
    /// What stands in the cell, as the type that the caller names; a cell of another type is unreadable.
    fn get<T: FromSql<'row>>(&self, column: &'static str) -> StoreResult<T> {
        self.0.try_get(column).map_err(|_| unreadable(column))
    }

    pub(crate) fn uuid(&self, column: &'static str) -> StoreResult<Uuid> {
        self.get(column)
    }

    pub(crate) fn optional_uuid(&self, column: &'static str) -> StoreResult<Option<Uuid>> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: &'static str) -> StoreResult<Timestamp> {
        Ok(self.get::<At>(column)?.0)
    }

    pub(crate) fn optional_time(&self, column: &'static str) -> StoreResult<Option<Timestamp>> {
        Ok(self.get::<Option<At>>(column)?.map(|at| at.0))
    }

    /// A time that is none of ours, in parts of a millisecond or beyond all years, is unreadable here.
    pub(crate) fn optional_exact_time(&self, column: &'static str) -> StoreResult<Option<Timestamp>> {
        let time = self.get::<Option<Exact>>(column)?.map(|exact| exact.0);
        time.map(|time| time.ok_or_else(|| unreadable(column))).transpose()
    }

    pub(crate) fn text(&self, column: &'static str) -> StoreResult<&'row str> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> StoreResult<Option<&'row str>> {
        self.get(column)
    }

    pub(crate) fn string(&self, column: &'static str) -> StoreResult<String> {
        self.get(column)
    }

    pub(crate) fn optional_string(&self, column: &'static str) -> StoreResult<Option<String>> {
        self.get(column)
    }

    pub(crate) fn optional_blob(&self, column: &'static str) -> StoreResult<Option<&'row [u8]>> {
        self.get(column)
    }

    pub(crate) fn bytes(&self, column: &'static str) -> StoreResult<Vec<u8>> {
        self.get(column)
    }

    /// A word of a fixed vocabulary, such as `DENY`.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> StoreResult<T> {
        self.optional_word(column)?.ok_or_else(|| unreadable(column))
    }

    pub(crate) fn optional_word<T: DeserializeOwned>(&self, column: &'static str) -> StoreResult<Option<T>> {
        let read = |text: &str| {
            T::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(text))
                .map_err(|_| unreadable(column))
        };
        self.optional_text(column)?.map(read).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> StoreResult<T> {
        serde_json::from_str(self.text(column)?).map_err(|_| unreadable(column))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(&self, column: &'static str) -> StoreResult<Option<T>> {
        let read = |text: &str| serde_json::from_str(text).map_err(|_| unreadable(column));
        self.optional_text(column)?.map(read).transpose()
    }

    /// A `bigint` as any integer type; a value out of its range is unreadable.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> StoreResult<T> {
        self.optional_number(column)?.ok_or_else(|| unreadable(column))
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&self, column: &'static str) -> StoreResult<Option<T>> {
        let read = |number: i64| T::try_from(number).map_err(|_| unreadable(column));
        self.get::<Option<i64>>(column)?.map(read).transpose()
    }

    pub(crate) fn real(&self, column: &'static str) -> StoreResult<f64> {
        self.get(column)
    }

    pub(crate) fn optional_real(&self, column: &'static str) -> StoreResult<Option<f64>> {
        self.get(column)
    }

    pub(crate) fn is_set(&self, column: &'static str) -> StoreResult<bool> {
        self.get(column)
    }
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Corrupt(format!("column `{column}` cannot be read"))
}

/// An instant as `timestamptz` carries it: microseconds since 2000, the ends of the scale meaning infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub Timestamp);

impl At {
    /// 2000-01-01T00:00:00Z.
    const EPOCH_MS: i64 = 946_684_800_000;

    fn micros(self) -> i64 {
        self.0.unix_ms().saturating_sub(Self::EPOCH_MS).saturating_mul(1_000)
    }
}

impl FromSql<'_> for At {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_unix_ms(micros.div_euclid(1_000).saturating_add(Self::EPOCH_MS))))
    }

    accepts!(TIMESTAMPTZ);
}

/// An instant, unless the cell holds more than an [`At`] tells.
struct Exact(Option<Timestamp>);

impl FromSql<'_> for Exact {
    fn from_sql(column: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let at = At::from_sql(column, raw)?;
        Ok(Self((at.micros().to_be_bytes() == raw).then_some(at.0)))
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.micros().to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

/// Text of which nobody knows whether PostgreSQL can hold it: a NUL, which it cannot, is stored as its symbol, U+2400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub Cow<'a, str>);

impl<'a, T: AsRef<str> + ?Sized> From<&'a T> for Text<'a> {
    fn from(text: &'a T) -> Self {
        Self(Cow::Borrowed(text.as_ref()))
    }
}

impl Text<'_> {
    pub(crate) fn storable(&self) -> Cow<'_, str> {
        match self.0.contains('\0') {
            true => Cow::Owned(self.0.replace('\0', "\u{2400}")),
            false => Cow::Borrowed(&self.0),
        }
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.storable().to_sql(column, out)
    }

    fn accepts(column: &Type) -> bool {
        <&str as ToSql>::accepts(column)
    }

    to_sql_checked!();
}

/// A document as JSON text.
pub(crate) fn json(value: &impl Serialize) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A word of a fixed vocabulary as it stands on the wire.
pub(crate) fn word(value: &impl Serialize) -> StoreResult<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        _ => Err(StoreError::Corrupt("a word of a vocabulary is no text".to_owned())),
    }
}

/// A count as PostgreSQL keeps it.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
