//! The agent's side: ask before acting.

use crate::{ClientError, ScanAnswer, connection::Connection};
use interven_types::{ScanRequest, Secret};

/// Speaks to one gateway with one API key.
#[derive(Clone, Debug)]
pub struct GatewayClient {
    connection: Connection,
}

impl GatewayClient {
    pub fn new(address: &str, api_key: &Secret) -> Result<Self, ClientError> {
        Ok(Self { connection: Connection::new(address, api_key)? })
    }

    /// Asks what to do with one intended call.
    ///
    /// # Errors
    /// No answer is never an ALLOW: on any error the call must not go through.
    pub async fn scan(&self, request: &ScanRequest) -> Result<ScanAnswer, ClientError> {
        self.connection.post(&["v1", "scan"], request).await
    }
}
