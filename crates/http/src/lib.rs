//! The HTTP edge that the services share: error answers, bounded bodies, caller addresses, the accept loop.

mod body;
mod build_info;
mod download;
mod error;
mod extract;
mod net;
mod operator;
mod peer;
mod serve;

pub use body::{BodyLimits, read_body};
pub use build_info::BuildInfo;
pub use download::download;
pub use error::{ApiError, ApiResult};
pub use extract::{Path, Query, read_fields};
pub use net::with_safety_net;
pub use operator::{has_bearer, named_tenant};
pub use peer::{CidrList, InvalidCidr, client_addr};
pub use serve::{ServeOptions, serve};
