//! A few read-only connections. A read sees every write that was answered before it began.

use crate::error::store_error;
use interven_store::{StoreError, StoreResult};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

pub(crate) struct Readers {
    /// One permit per connection.
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        Self { turns: Arc::new(Semaphore::new(connections.len())), idle: Arc::new(Mutex::new(connections)) }
    }

    /// Waits for a connection, then reads on a thread that may block. All statements of `work` see one state.
    pub(crate) async fn run<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        let closed = || StoreError::Unavailable("it is closed".to_owned());
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| closed())?;
        let idle = self.idle.clone();
        let read = move || {
            // A connection that a panic took with it is missed here: its turn then ends in an error, never in a wait.
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(closed)?;
            let result = read_at_once(&connection, work);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(turn);
            result
        };
        let ended = tokio::task::spawn_blocking(read).await;
        ended.unwrap_or_else(|_| Err(StoreError::Unavailable("a read failed unexpectedly".to_owned())))
    }

    /// Lets running reads finish; later ones fail.
    pub(crate) async fn close(&self, readers: usize) {
        let all = u32::try_from(readers).unwrap_or(u32::MAX);
        let _turns = self.turns.acquire_many(all).await;
        self.turns.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn read_at_once<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> StoreResult<T>,
) -> StoreResult<T> {
    let snapshot = connection.unchecked_transaction().map_err(store_error)?;
    let result = work(connection);
    snapshot.finish().map_err(store_error)?;
    result
}
