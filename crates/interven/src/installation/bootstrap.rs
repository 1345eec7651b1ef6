//! `bootstrap.json`: where a running server is, and the first secrets.

use super::{DataDir, read_file, write_private};
use anyhow::{Context as _, Result};
use interven_types::{AgentId, TenantId};
use serde::{Deserialize, Serialize};

/// Written whole at the first start; later starts change the addresses alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bootstrap {
    pub(crate) gateway_url: String,
    pub(crate) telemetry_url: String,
    pub(crate) tenant_id: TenantId,
    pub(crate) agent_id: AgentId,
    pub(crate) api_key: String,
    pub(crate) admin_user: String,
    pub(crate) admin_password: String,
}

impl Bootstrap {
    /// Absent when no first start was finished in this directory.
    pub(crate) fn read(data_dir: &DataDir) -> Result<Option<Self>> {
        let path = data_dir.bootstrap();
        let Some(text) = read_file(&path)? else { return Ok(None) };
        let read = serde_json::from_str(&text);
        read.map(Some).with_context(|| {
            format!("`{}` cannot be read; move it away and start `interven serve` again", path.display())
        })
    }

    pub(crate) fn write(&self, data_dir: &DataDir) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        write_private(&data_dir.bootstrap(), &text)
    }
}

impl std::fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bootstrap").field("gateway_url", &self.gateway_url).finish_non_exhaustive()
    }
}
