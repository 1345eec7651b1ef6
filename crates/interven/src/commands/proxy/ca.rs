//! `interven proxy ca`: the authority that looks into HTTPS.

use crate::{
    cli::{CaArgs, ProxyCaCommand},
    exit::{Exit, UsageError, tell},
    installation::{create_private_dir, read_file, write_private},
    terminal::print,
};
use anyhow::{Context as _, Result};
use interven_guard::proxy::{Ca, make_ca};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// In the home directory.
const USUAL_DIR: &str = ".interven/proxy-ca";
const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";

pub(super) fn run(command: ProxyCaCommand) -> Result<Exit> {
    match command {
        ProxyCaCommand::Init(args) => init(&directory(&args)?)?,
        ProxyCaCommand::Show(args) => print(&found(&directory(&args)?.join(CERTIFICATE))?)?,
        ProxyCaCommand::Path(args) => {
            let path = directory(&args)?.join(CERTIFICATE);
            found(&path)?;
            print(&format!("{}\n", path.display()))?;
        }
    }
    Ok(Exit::Ok)
}

/// What `--tls-inspect` signs with.
pub(super) fn read(args: &CaArgs) -> Result<Ca> {
    let directory = directory(args)?;
    let (certificate, key) = (found(&directory.join(CERTIFICATE))?, found(&directory.join(KEY))?);
    Ok(Ca::read(&certificate, &key)?)
}

fn init(directory: &Path) -> Result<()> {
    let (certificate, key) = (directory.join(CERTIFICATE), directory.join(KEY));
    match (certificate.exists(), key.exists()) {
        (true, true) => tell("the authority is there already"),
        (false, false) => {
            create_private_dir(directory)?;
            let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            let machine = Some(machine.trim()).filter(|name| !name.is_empty()).unwrap_or("this machine");
            let new = make_ca(machine)?;
            write_private(&key, &new.key_pem)?;
            write_private(&certificate, &new.certificate_pem)?;
        }
        _ => {
            let problem =
                format!("of the authority in `{}` only a half is there; remove it", directory.display());
            return Err(UsageError(problem).into());
        }
    }
    let path = fs::canonicalize(&certificate).unwrap_or(certificate);
    let path = path.display();
    print(&format!(
        "certificate  {path}\nkey          {}, for its owner alone\n\nTell the agent, and only the agent, to trust it:\n\n  \
         export SSL_CERT_FILE={path}        # OpenSSL, Go, Rust, httpx\n  \
         export REQUESTS_CA_BUNDLE={path}   # Python requests\n  \
         export NODE_EXTRA_CA_CERTS={path}  # Node\n  \
         export CURL_CA_BUNDLE={path}       # curl\n\n\
         Whoever has the key can pretend to be any host to that agent. Do not install it for the whole machine.\n",
        key.display()
    ))
}

fn directory(args: &CaArgs) -> Result<PathBuf> {
    if let Some(directory) = &args.ca_dir {
        return Ok(directory.clone());
    }
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    Ok(PathBuf::from(home.context("HOME is not set; say where with --ca-dir DIR")?).join(USUAL_DIR))
}

fn found(path: &Path) -> Result<String> {
    Ok(read_file(path)?.ok_or_else(|| {
        UsageError(format!("`{}` is not there; make it with `interven proxy ca init`", path.display()))
    })?)
}
