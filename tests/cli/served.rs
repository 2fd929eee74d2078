//! A host that serves, and the commands to it. Nothing here speaks HTTP itself.

use crate::Home;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use tidegate_provider::ProviderHandle;
use tidegate_tests::Tidegate;
use tidegate_tests::process::{Running, binary};

/// Looks at what is awaited before it is given up.
const LOOKS: usize = 1_200;
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// The environment that the tests set up.
pub const ENVIRONMENT: &str = "acme";

/// A home with a host that serves from it.
pub struct Served {
    pub home: Home,
    /// Where it listens.
    pub address: String,
    running: Option<Running>,
}

impl Served {
    /// A host with this component as `sync.wasm` in its home.
    pub fn with(component: &[u8]) -> Self {
        let mut served = Served {
            home: Home::with(component),
            address: "127.0.0.1:0".into(),
            running: None,
        };
        served.start();
        served
    }

    /// Starts it, at the address where it was before.
    pub fn start(&mut self) {
        let running = self
            .home
            .tidegate(&["serve", "--listen", &self.address])
            .start();
        let running = self.running.insert(running);
        let said = until("it listens", || {
            assert!(!running.has_ended(), "{}", running.stderr());
            Some(running.stdout()).filter(|said| said.contains('\n'))
        });
        let (_, address) = said.trim().split_once("http://").unwrap();
        self.address = address.to_owned();
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.running.as_ref().unwrap().id()
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.interrupt();
        running.wait().expect(0);
    }

    /// A command to it.
    pub fn tidegate(&self, arguments: &[&str]) -> Tidegate {
        self.home
            .tidegate(arguments)
            .env("TIDEGATE_HOST", format!("http://{}", self.address))
    }

    /// A command of the environment that is set up.
    pub fn acme(&self, arguments: &[&str]) -> Tidegate {
        self.tidegate(arguments)
            .arg("--environment")
            .arg(ENVIRONMENT)
    }

    /// What such a command prints with `--json`, a document a line.
    pub fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let ended = self.acme(arguments).arg("--json").run().expect(0);
        assert_eq!(ended.stderr, "", "{arguments:?}");
        ended.json_lines()
    }

    /// The one document of such a command.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut lines = self.lines(arguments);
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        lines.remove(0)
    }

    /// The one document of such a command that reads this on stdin.
    pub fn json_of(&self, arguments: &[&str], stdin: &str) -> Value {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .args(["--environment", ENVIRONMENT, "--json"])
            .args(["--host", &format!("http://{}", self.address)])
            .current_dir(self.home.path("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(stdin.as_bytes())
            .unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
        serde_json::from_slice(&ended.stdout).unwrap()
    }

    /// Adds the environment.
    pub fn add_environment(&self) -> Value {
        let arguments = ["env", "add", ENVIRONMENT, "--memory-mib", "256"];
        let ended = self.tidegate(&arguments).arg("--json").run().expect(0);
        ended.json()
    }

    /// Sets up an integration at a provider.
    pub fn integrate(&self, name: &str, provider: &ProviderHandle, auth: &[&str]) {
        let url = provider.url();
        let set = [
            "integration",
            "set",
            name,
            "--allow-http",
            "--base-url",
            &url,
        ];
        self.json(&[&set[..], auth].concat());
    }

    /// Adds the environment, the integration `crm` at a provider and its connection `one`,
    /// and releases the component.
    pub fn set_up(&self, provider: &ProviderHandle) {
        self.add_environment();
        self.integrate("crm", provider, &[]);
        self.json(&["connection", "set", "crm", "one"]);
        self.json(&["deploy", "sync.wasm", "--integration", "crm"]);
    }

    /// The runs of a sync of the connection `one`, newest first.
    pub fn runs(&self, integration: &str, sync: &str) -> Vec<Value> {
        let of = ["--integration", integration, "--connection", "one"];
        self.lines(&[&["runs", "--served", "--sync", sync][..], &of].concat())
    }

    /// The newest run of a sync, once so many have ended.
    pub fn ended(&self, integration: &str, sync: &str, count: usize) -> Value {
        until("the run has ended", || {
            let runs = self.runs(integration, sync);
            let is_over = runs.iter().filter(|run| !run["ended"].is_null()).count() >= count;
            is_over.then(|| runs[0].clone())
        })
    }
}

/// What `look` finds, once it finds something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(LOOK);
    }
    panic!("waited in vain until {what}")
}
