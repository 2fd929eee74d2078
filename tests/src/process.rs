//! The `tidegate` program as a process of its own: to be read, and to be killed.

use crate::cargo;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a process is looked at while it is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// A process that has not ended by then is killed and fails its test. Far above what any
/// command takes on a busy machine; it is there so that no suite hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// One call of `tidegate`, put together before it starts.
pub struct Tidegate(Command);

/// Where the program is: in the test's own profile, fresh with the sources, or what
/// `TIDEGATE_BIN` names.
pub fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| match std::env::var_os("TIDEGATE_BIN") {
        Some(path) => path.into(),
        None => build(),
    });
    &BINARY
}

/// Builds it with the features that `cargo test` has, so that nothing else is compiled.
fn build() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    // .../target/{profile folder}/deps/{test}
    let folder = own.ancestors().nth(2).and_then(Path::file_name);
    let profile = match folder.and_then(OsStr::to_str) {
        None | Some("debug") => "dev",
        Some(folder) => folder,
    };
    let built = cargo::build(&["--profile", profile, "--bin", "tidegate"]);
    let found = built.into_iter().rfind(|(name, path)| {
        name == "tidegate" && path.file_stem().is_some_and(|stem| stem == "tidegate")
    });
    found.map_or_else(|| panic!("cargo built no `tidegate`"), |(_, path)| path)
}

impl Tidegate {
    /// `tidegate` with these arguments, without colours and without the settings of
    /// whoever runs the tests.
    pub fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments).env("NO_COLOR", "1");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TIDEGATE_") {
                command.env_remove(&name);
            }
        }
        Tidegate(command)
    }

    /// One more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// The folder it runs in.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// If it cannot be started, or takes longer than five minutes.
    pub fn run(self) -> Ended {
        self.start().wait()
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(mut self) -> Running {
        self.0
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .0
            .spawn()
            .unwrap_or_else(|error| panic!("starting {}: {error}", binary().display()));
        let stdout = Collected::of(child.stdout.take());
        let stderr = Collected::of(child.stderr.take());
        Running {
            child,
            stdout,
            stderr,
        }
    }
}

/// A running `tidegate`; it is killed when this is dropped.
pub struct Running {
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Asks it to stop, as Ctrl-C does.
    pub fn interrupt(&self) {
        let id = self.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    pub fn kill(mut self) -> Ended {
        // One that has ended by itself cannot be killed, which is as good.
        let _ = self.child.kill();
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If that takes longer than five minutes.
    pub fn wait(mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!(
                    "tidegate did not end:\n{}\n{}",
                    self.stdout(),
                    self.stderr()
                );
            }
            std::thread::sleep(LOOK);
        };
        self.stdout.finish();
        self.stderr.finish();
        Ended {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a `tidegate` ended and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Ended {
    /// Its exit code; none if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Itself, if its exit code is `code`.
    ///
    /// # Panics
    /// If it is another, with all that it wrote.
    pub fn expect(self, code: i32) -> Self {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert_eq!(self.code(), Some(code), "\n{stdout}\n{stderr}");
        self
    }

    /// Its stdout as one JSON value.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> Value {
        parse(&self.stdout)
    }

    /// Its stdout as one JSON value a line.
    ///
    /// # Panics
    /// If a line is none.
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(parse).collect()
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

/// What a pipe has brought, read by a thread so that the process never waits for us.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::default());
        let into = Arc::clone(&bytes);
        let reader = pipe.map(|pipe| std::thread::spawn(move || collect(pipe, &into)));
        Collected { bytes, reader }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the pipe is closed.
    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn collect(mut pipe: impl Read, into: &Mutex<Vec<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut piece) {
        let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend(piece.iter().take(read));
    }
}
