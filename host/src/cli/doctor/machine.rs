//! The machine: its clock, what a process may have of it, and the programs that are
//! needed.

use super::Check;
use crate::cli::build;
use crate::cli::output::size;
use crate::cli::settings::Settings;
use crate::error::{Code, Error};
use crate::limits::{GIB, KIB, MIB};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Open files under which a warning is due: the API alone takes 1,024 connections, and
/// runs and webhooks have their own.
const FILES_GOOD: u64 = 4_096;
/// Open files under which it is failed: the store, and a few of everything.
const FILES_LEAST: u64 = 256;
/// How far the clock may stand before a file that is there already; further is failed.
/// Files may come from a machine whose clock is ahead.
const CLOCK_SLACK: Duration = Duration::from_secs(24 * 3600);
/// Memory of a host beside its runs, in bytes: the store, the compiler and the API.
const HOST_MEMORY_BYTES: u64 = GIB;

/// Where Linux tells of processes.
const PROCESSES: &str = "/proc";
/// Where it tells of groups of processes.
const GROUPS: &str = "/sys/fs/cgroup";
/// Where systems keep the certificates that they trust.
const CERTIFICATES: &[&str] = &[
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted/pem",
];
/// The program that the store's engine runs as it opens.
const SYNC_PROGRAM: &str = "sync";

/// Looks at all but the memory. `process` is the one that has the store open; without one,
/// this process stands for it.
pub(super) fn look(process: Option<&str>) -> Vec<Check> {
    let limits = of_process(process, "limits");
    let mut checks = vec![clock()];
    checks.extend(limits.as_deref().and_then(open_files));
    checks.extend(limits.as_deref().and_then(address_space));
    checks.extend([sync_program(), certificates(), build_tools()]);
    checks
}

/// The machine's memory against what the environments were given.
pub(super) fn memory(
    settings: &Settings,
    environments_mib: Option<u64>,
    process: Option<&str>,
) -> Check {
    let name = "memory";
    let ceiling = settings.get("memory_ceiling_mib").unwrap_or(0_u64);
    let runs = settings.get("runs").unwrap_or(0_u64);
    let (of, runs_mib) = match environments_mib {
        Some(all) => (
            "what the environments have together",
            all.min(runs.saturating_mul(ceiling)),
        ),
        None => ("one run of the largest size", ceiling),
    };
    let need = runs_mib
        .saturating_mul(MIB)
        .saturating_add(HOST_MEMORY_BYTES);
    let Some(has) = memory_bytes(process) else {
        return Check::ok(name, "this system does not tell how much it has");
    };
    let needs = format!("{} needed ({of}, and 1 GiB for the host)", size(need));
    match has < need {
        false => Check::ok(name, format!("{}; {needs}", size(has))),
        true => Check::warning(
            name,
            format!("{}, less than the {needs}", size(has)),
            "give the host more (the machine's memory, or `MemoryMax` of its unit), or the environments less: `tidegate env set NAME --memory-mib …`",
        ),
    }
}

/// What the process may have: of the machine, and of each group that it is in.
fn memory_bytes(process: Option<&str>) -> Option<u64> {
    let whole = std::fs::read_to_string(Path::new(PROCESSES).join("meminfo")).ok()?;
    let line = whole
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let groups = of_process(process, "cgroup").unwrap_or_default();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"));
    let group = Path::new(GROUPS).join(group.unwrap_or_default());
    let limits = group
        .ancestors()
        .take_while(|path| path.starts_with(GROUPS))
        .filter_map(|path| std::fs::read_to_string(path.join("memory.max")).ok())
        .filter_map(|text| text.trim().parse().ok());
    Some(limits.fold(kib.saturating_mul(KIB), u64::min))
}

/// A file of the system about a process, or about this one where that cannot be read.
fn of_process(process: Option<&str>, file: &str) -> Option<String> {
    let of = |process: &str| std::fs::read_to_string(Path::new(PROCESSES).join(process).join(file));
    let asked = process.and_then(|process| of(process).ok());
    asked.or_else(|| of("self").ok())
}

fn clock() -> Check {
    let (name, now) = ("clock", SystemTime::now());
    let shown = jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let shown = shown.strftime("%Y-%m-%d %H:%M:%S UTC");
    let installed = std::env::current_exe().and_then(|path| path.metadata()?.modified());
    let behind = installed.map_or(Duration::ZERO, |installed| {
        installed.duration_since(now).unwrap_or(Duration::ZERO)
    });
    if behind > CLOCK_SLACK {
        let message = format!("it is {shown}, which is before this program was made");
        let error = Error::new(Code::ConfigInvalid, message);
        let advice = "set the clock, best by NTP: schedules, tokens and certificates go by it";
        return Check::failed(name, error, advice);
    }
    Check::ok(name, shown.to_string())
}

/// A soft limit as the system tells it: nothing for none.
fn limit(limits: &str, name: &str) -> Option<Option<u64>> {
    let rest = limits.lines().find_map(|line| line.strip_prefix(name))?;
    let soft = rest.split_whitespace().next()?;
    match soft {
        "unlimited" => Some(None),
        soft => soft.parse().ok().map(Some),
    }
}

fn open_files(limits: &str) -> Option<Check> {
    let name = "open files";
    let most = limit(limits, "Max open files")?;
    let advice = "raise it: `ulimit -n 65536`, or `LimitNOFILE=65536` in the unit";
    Some(match most {
        Some(most @ ..FILES_LEAST) => {
            let message = format!("{most} at most, and a host needs {FILES_LEAST} to do anything");
            Check::failed(name, Error::new(Code::StoreUnavailable, message), advice)
        }
        Some(most @ FILES_LEAST..FILES_GOOD) => {
            let found = format!("{most} at most: a busy host refuses connections");
            Check::warning(name, found, advice)
        }
        Some(most) => Check::ok(name, format!("{most} at most")),
        None => Check::ok(name, "as many as it likes"),
    })
}

fn address_space(limits: &str) -> Option<Check> {
    let name = "address space";
    Some(match limit(limits, "Max address space")? {
        None => Check::ok(name, "no limit"),
        Some(bytes) => Check::warning(
            name,
            format!("limited to {}", size(bytes)),
            "take the limit away (`ulimit -v unlimited`): memories of runs are reserved, not used",
        ),
    })
}

fn sync_program() -> Check {
    let name = "program `sync`";
    match program(SYNC_PROGRAM) {
        Some(path) => Check::ok(name, path.display().to_string()),
        None => Check::failed(
            name,
            Error::new(Code::StoreUnavailable, "it is not in the PATH"),
            "install coreutils: the store's engine runs it as it opens",
        ),
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn certificates() -> Check {
    let name = "certificates";
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    let mut places = named
        .into_iter()
        .flatten()
        .map(PathBuf::from)
        .chain(CERTIFICATES.iter().map(PathBuf::from));
    let has_some = |path: &PathBuf| match path.is_dir() {
        true => std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()),
        false => path.is_file(),
    };
    match places.find(has_some) {
        Some(path) => Check::ok(name, path.display().to_string()),
        None => Check::warning(
            name,
            "this system has none to check providers with",
            "install `ca-certificates`: else no provider is reached over https",
        ),
    }
}

/// A host takes finished components; only `build` and `dev` need these.
fn build_tools() -> Check {
    let name = "build tools";
    let asked = Command::new("rustc").arg("--version").output();
    let rustc = asked.ok().filter(|asked| asked.status.success());
    let Some(rustc) = rustc else {
        let found = "there is no rustc: syncs in Rust cannot be compiled here";
        return Check::warning(
            name,
            found,
            "to compile them here, install Rust with rustup",
        );
    };
    let version = String::from_utf8_lossy(&rustc.stdout).trim().to_owned();
    match build::has_target(Path::new(".")) {
        true => Check::ok(name, format!("{version}, with {}", build::TARGET)),
        false => Check::warning(
            name,
            format!("{version}, without {}", build::TARGET),
            "`rustup target add wasm32-wasip2`; `tidegate build` does it by itself where it can",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn limits_are_read_as_linux_writes_them() {
        let limits = |files: &str, space: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max open files            {files:<20} 1048576              files\n\
                 Max address space         {space:<20} unlimited            bytes\n"
            )
        };
        for (files, space, states) in [
            ("65536", "unlimited", [State::Ok, State::Ok]),
            ("unlimited", "unlimited", [State::Ok, State::Ok]),
            ("1024", "4294967296", [State::Warning, State::Warning]),
            ("64", "unlimited", [State::Failed, State::Ok]),
        ] {
            let text = limits(files, space);
            let found = [open_files(&text), address_space(&text)];
            let found = found.map(|check| check.map(|check| check.state));
            assert_eq!(found, states.map(Some), "{files} {space}");
        }
        assert!(open_files("nothing of it").is_none());
    }
}
