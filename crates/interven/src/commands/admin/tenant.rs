//! `interven admin tenant`.

use crate::{
    cli::TenantCommand,
    terminal::{Terminal, table},
};
use anyhow::Result;
use interven_client::{ControlClient, Tenant};

pub(super) async fn run(client: &ControlClient, command: TenantCommand, terminal: Terminal) -> Result<()> {
    match command {
        TenantCommand::Create { name } => {
            let created = client.create_tenant(&name).await?;
            terminal.show(&created, |tenant| listed(std::slice::from_ref(tenant)))
        }
        TenantCommand::List => terminal.show(&client.tenants().await?, |tenants| listed(tenants)),
    }
}

fn listed(tenants: &[Tenant]) -> String {
    table(["TENANT", "NAME"], tenants.iter().map(|t| [t.tenant_id.to_string(), t.name.clone()]))
}
