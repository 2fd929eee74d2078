//! The host, as it is seen from outside: its address, its health, and whether the
//! operator's key opens it.

use super::Check;
use crate::cli::manage::{Remote, Sent};
use crate::cli::serve;
use crate::cli::settings::Settings;
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

/// Time for one answer; a host that takes longer is said to give none.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// What the metrics call the program's version.
const VERSION: &str = "tidegate_build_info{version=\"";

/// Looks at the address, and at the host there if one answers. Answers the memory of all
/// its environments together, in MiB, where it could be asked. `holder` is the process
/// that has the store open.
pub(super) fn look(settings: &Settings, holder: Option<&str>) -> (Vec<Check>, Option<u64>) {
    // A wrong one was told with the settings.
    let Ok(address) = settings.get::<SocketAddr>("listen") else {
        return (Vec::new(), None);
    };
    let url = format!("http://{}", reached_at(address));
    let key = serve::read_operator_key(Path::new(settings.text("operator_key_file")));
    let key = key.unwrap_or_default();
    let remote = Remote::new(&url, &key, "default", ANSWER_TIME);
    match listener(address, &remote, holder) {
        (check, false) => {
            let missing = Check::warning(
                "host",
                format!("none answers at {url}"),
                "start it with `tidegate serve`",
            );
            (vec![check, missing], None)
        }
        (check, true) => {
            let (host, memory_mib) = host(&remote, &url);
            (vec![check, host], memory_mib)
        }
    }
}

/// Where a host that listens on an address is reached from this machine.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Whether a host could listen on the address, and whether one does.
fn listener(address: SocketAddr, remote: &Remote, holder: Option<&str>) -> (Check, bool) {
    let name = "address";
    let failed = |message: String, advice: &str| {
        Check::failed(name, Error::new(Code::ConfigInvalid, message), advice)
    };
    match TcpListener::bind(address) {
        Ok(_) => {
            let found = match holder {
                None => format!("{address} is free"),
                Some(process) => format!(
                    "{address} is free, though the process {process} has the store open: it listens elsewhere, or is no host"
                ),
            };
            (Check::ok(name, found), false)
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if ready(remote).is_some() {
                return (
                    Check::ok(name, format!("{address}, where a host answers")),
                    true,
                );
            }
            let message = format!("{address} is taken by something that is no host of Tidegate");
            let advice = "stop that, or name another address with `listen`";
            (failed(message, advice), false)
        }
        Err(error) => {
            let message = format!("a host could not listen on {address}: {error}");
            let advice = "name an address of this machine, and a port over 1023, with `listen`";
            (failed(message, advice), false)
        }
    }
}

/// The word that the host's store answers with; none if no host answers.
fn ready(remote: &Remote) -> Option<String> {
    let (_, text) = remote.ask("GET", "/readyz", Sent::Nothing).ok()?;
    let answer: Value = serde_json::from_str(&text).ok()?;
    Some(answer["store"].as_str()?.to_owned())
}

/// The host and the memory of its environments in MiB.
fn host(remote: &Remote, url: &str) -> (Check, Option<u64>) {
    let name = "host";
    let memory_mib = match environments(remote) {
        Ok(memory_mib) => memory_mib,
        Err(error) => {
            let advice = "the key in `operator_key_file` is not that of the host at this address: is it started in another folder, or with other settings?";
            return (Check::failed(name, error, advice), None);
        }
    };
    let store = ready(remote).unwrap_or_else(|| "does not answer".to_owned());
    let (own, found) = (env!("CARGO_PKG_VERSION"), version(remote));
    let check = if store != "good" {
        let message = format!("its store takes no writes: {store}");
        let error = Error::new(Code::StoreUnavailable, message);
        Check::failed(name, error, "see the host's log; free the disk or mend it")
    } else if found.as_deref() != Some(own) {
        let found = found.unwrap_or_else(|| "unknown".to_owned());
        Check::warning(
            name,
            format!("the host is of version {found}, this program of {own}"),
            "start the host anew with the program that is installed",
        )
    } else {
        let found = format!("version {own} answers at {url}, and the operator's key opens it");
        Check::ok(name, found)
    };
    (check, Some(memory_mib))
}

/// What all environments have together, in MiB.
fn environments(remote: &Remote) -> Result<u64> {
    let answer = remote.get("/v1/environments")?;
    let rows = answer["environments"].as_array().into_iter().flatten();
    let memory = rows.filter_map(|row| row["resources"]["memory_mib"].as_u64());
    Ok(memory.fold(0, u64::saturating_add))
}

fn version(remote: &Remote) -> Option<String> {
    let metrics = remote.text("/metrics").ok()?;
    let (_, rest) = metrics.split_once(VERSION)?;
    Some(rest.split('"').next()?.to_owned())
}
