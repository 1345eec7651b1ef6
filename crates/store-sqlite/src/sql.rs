//! Statements and the cells of their rows.
//!
//! Ids are hyphenated UUIDs, times RFC 3339 with milliseconds, words what they are on the wire, documents JSON text.
//! A cell that cannot be read is [`StoreError::Corrupt`] and names its column.

use crate::error::store_error;
use interven_store::{StoreError, StoreResult};
use interven_types::Timestamp;
use rusqlite::{Connection, Params, Row, types::ValueRef};
use serde::{Serialize, de::DeserializeOwned, de::IntoDeserializer};
use std::str::FromStr;

/// Every statement is prepared once per connection.
pub(crate) trait Sql {
    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>>;

    /// The first row, if there is one.
    fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Option<T>>;

    /// Runs a change; returns how many rows it touched.
    fn change(&self, sql: &str, params: impl Params) -> StoreResult<usize>;
}

impl Sql for Connection {
    fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>> {
        let mut statement = self.prepare_cached(sql).map_err(store_error)?;
        let mut found = statement.query(params).map_err(store_error)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(store_error)? {
            rows.push(read(&Cells(row))?);
        }
        Ok(rows)
    }

    fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Option<T>> {
        let mut statement = self.prepare_cached(sql).map_err(store_error)?;
        let mut found = statement.query(params).map_err(store_error)?;
        let first = found.next().map_err(store_error)?.map(|row| read(&Cells(row))).transpose()?;
        // A changing statement with RETURNING is complete only once it has been stepped to its end.
        if first.is_some() {
            found.next().map_err(store_error)?;
        }
        Ok(first)
    }

    fn change(&self, sql: &str, params: impl Params) -> StoreResult<usize> {
        self.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(store_error)
    }
}

/// One row, read by column name.
pub(crate) struct Cells<'row>(&'row Row<'row>);

impl Cells<'_> {
    pub(crate) fn raw(&self, column: &'static str) -> StoreResult<ValueRef<'_>> {
        self.0.get_ref(column).map_err(store_error)
    }

    /// By place instead of name: what reads every column of many rows.
    pub(crate) fn at(&self, place: usize) -> StoreResult<ValueRef<'_>> {
        self.0.get_ref(place).map_err(store_error)
    }

    pub(crate) fn text(&self, column: &'static str) -> StoreResult<&str> {
        self.optional_text(column)?.ok_or_else(|| unreadable(column))
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> StoreResult<Option<&str>> {
        self.raw(column)?.as_str_or_null().map_err(|_| unreadable(column))
    }

    pub(crate) fn string(&self, column: &'static str) -> StoreResult<String> {
        self.text(column).map(str::to_owned)
    }

    pub(crate) fn optional_string(&self, column: &'static str) -> StoreResult<Option<String>> {
        Ok(self.optional_text(column)?.map(str::to_owned))
    }

    pub(crate) fn bytes(&self, column: &'static str) -> StoreResult<Vec<u8>> {
        self.raw(column)?.as_blob().map(<[u8]>::to_vec).map_err(|_| unreadable(column))
    }

    /// An id or a time.
    pub(crate) fn parsed<T: FromStr>(&self, column: &'static str) -> StoreResult<T> {
        self.text(column)?.parse().map_err(|_| unreadable(column))
    }

    pub(crate) fn optional_parsed<T: FromStr>(&self, column: &'static str) -> StoreResult<Option<T>> {
        self.optional_text(column)?.map(|text| text.parse().map_err(|_| unreadable(column))).transpose()
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

    /// Any integer type; a value out of its range is unreadable.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> StoreResult<T> {
        self.optional_number(column)?.ok_or_else(|| unreadable(column))
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&self, column: &'static str) -> StoreResult<Option<T>> {
        let read = |number: i64| T::try_from(number).map_err(|_| unreadable(column));
        self.raw(column)?.as_i64_or_null().map_err(|_| unreadable(column))?.map(read).transpose()
    }

    pub(crate) fn real(&self, column: &'static str) -> StoreResult<f64> {
        match self.raw(column)? {
            ValueRef::Real(value) => Ok(value),
            ValueRef::Integer(value) => Ok(value as f64),
            _ => Err(unreadable(column)),
        }
    }

    pub(crate) fn is_set(&self, column: &'static str) -> StoreResult<bool> {
        Ok(self.number::<i64>(column)? != 0)
    }
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Corrupt(format!("column `{column}` cannot be read"))
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

/// A count as SQLite keeps it.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// An id or a time as text, when there is one.
pub(crate) fn text_of<T: ToString>(value: &Option<T>) -> Option<String> {
    value.as_ref().map(T::to_string)
}

/// `2026-11`: the calendar month, UTC.
pub(crate) fn month_of(now: Timestamp) -> String {
    now.to_string().chars().take(7).collect()
}
