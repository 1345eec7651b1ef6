//! Arguments of `interven doctor`.

use super::GuardArgs;
use clap::Args;
use std::path::PathBuf;

pub(crate) const DOCTOR_HELP: &str = "A call with a made-up AWS key is judged, and each installed hook is started as its client starts it, with an event \
that must be blocked; nothing of it is carried out. A hook that starts another program than this one is not started.\n\n\
Exit codes: 0 no failure, 1 a failure.";

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) judge: GuardArgs,
    /// The project whose settings are looked at beside the user's
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) project: PathBuf,
}
