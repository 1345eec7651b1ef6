//! From a signed request to a caller: the way in of clients that sign instead of sending a key.

use crate::{Caller, KeyError, Live, Refusal};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use interven_store::{SigningKey, StoreResult};
use interven_types::{AgentId, ApiKey, KeyId, TenantId};
use interven_vault::{Place, is_authentic};
use std::{net::IpAddr, time::Duration};

/// Far longer than the time of a signed request may be off.
pub const REMEMBERED: Duration = Duration::from_secs(3_600);

impl Live {
    /// Lets in whoever signed `body` with a key of the agent: base64 of HMAC-SHA256 under the key's text.
    pub async fn authenticate_signed(
        &self,
        agent: AgentId,
        signature: &str,
        body: &[u8],
        client_addr: IpAddr,
    ) -> Result<Caller, Refusal> {
        let tag = STANDARD.decode(signature).map_err(|_| Refusal::Malformed)?;
        for SigningKey { record, sealed_secret } in self.store.signing_keys(agent).await? {
            self.at_rest
                .learn_keys_of(self.store.as_ref(), std::iter::once(sealed_secret.as_slice()))
                .await?;
            let row = record.key_id.to_string();
            match self.at_rest.open(&place(record.tenant_id, &row), &sealed_secret) {
                Ok(secret) if is_authentic(&secret, body, &tag) => {
                    return self.admit(record, client_addr).await;
                }
                Ok(_) => {}
                Err(error) => tracing::error!(key = %record.prefix, %error, "a signing key does not open"),
            }
        }
        Err(Refusal::BadSignature)
    }

    pub(crate) fn seal_signing_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        key: &ApiKey,
    ) -> Result<Vec<u8>, KeyError> {
        self.at_rest.seal(&place(tenant, &id.to_string()), key.reveal().as_bytes())
    }

    /// Whether the agent's request is the first of its nonce. It is remembered for [`REMEMBERED`].
    pub async fn is_first_request(&self, caller: &Caller, nonce: &str) -> StoreResult<bool> {
        let (now, key) = (self.now(), caller.key());
        self.store
            .note_request(caller.tenant(), key.agent_id, nonce, now, now.saturating_sub(REMEMBERED))
            .await
    }
}

fn place(tenant: TenantId, key: &str) -> Place<'_> {
    Place { tenant: Some(tenant), table: "api_keys", row: key }
}
