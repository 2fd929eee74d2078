//! Traces of a host that serves, as a collector gets them: by a program that was built
//! with the feature `otlp`. Any other says that it was not.

use crate::served::{Served, until};
use crate::{Home, holds};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use tidegate::error::Code;
use tidegate_provider::Provider;

const FULL_REFRESH: &[u8] = include_bytes!("../../host/bundled/full-refresh.wasm");
/// A credential, sought in what is sent.
const SECRET: &str = "kanarie-5e0d";

/// What a collector was sent: the request's head, and its body.
type Sent = (String, Vec<u8>);

/// A collector that takes everything.
struct Collector {
    url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let taken = sent.clone();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = taken.clone();
                std::thread::spawn(move || {
                    while let Some(one) = take(&stream) {
                        taken.lock().unwrap().push(one);
                    }
                });
            }
        });
        Collector { url, sent }
    }

    /// Everything that was sent so far. Texts stand in it as they are: protobuf does not
    /// change them.
    fn text(&self) -> String {
        let sent = self.sent.lock().unwrap();
        let texts = sent
            .iter()
            .map(|(_, body)| String::from_utf8_lossy(body).into_owned());
        texts.collect()
    }
}

/// One request of a connection, answered; none at its end.
fn take(stream: &TcpStream) -> Option<Sent> {
    let mut reads = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reads.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head += &lower;
    }
    let mut body = vec![0; length];
    reads.read_exact(&mut body).ok()?;
    let answer =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    let mut writes = stream;
    writes.write_all(answer).ok()?;
    Some((head, body))
}

/// Whether the program can send traces; if not, it says so and does not start.
fn can_send() -> bool {
    let home = Home::new();
    home.put("tidegate.toml", "otlp_endpoint = \"not a URL\"\n");
    let refused = home.tidegate(&["serve", "--listen", "127.0.0.1:0"]).run();
    let message = crate::refused(refused, Code::ConfigInvalid);
    holds(
        &message,
        &["`otlp_endpoint` = `not a URL`", "tidegate.toml"],
    );
    if message.contains("no http or https URL") {
        return true;
    }
    holds(
        &message,
        &["built without the feature `otlp`", "--features otlp"],
    );
    false
}

#[test]
fn a_collector_gets_runs_and_requests_and_no_secret() {
    if !can_send() {
        println!("left out: the program was built without the feature `otlp`");
        return;
    }
    let collector = Collector::start();
    let provider = Provider::builder()
        .users(3, 7)
        .require_header("authorization", "Bearer kanarie-5e0d")
        .start_blocking()
        .unwrap();
    let mut served = Served::with(FULL_REFRESH);
    served.stop();
    served.home.put(
        "tidegate.toml",
        format!("otlp_endpoint = \"{}/\"\n", collector.url),
    );
    served.start();
    served.add_environment();
    served.integrate("crm", &provider, &["--auth", "bearer"]);
    served.home.put("token", SECRET);
    let set = ["connection", "set", "crm", "one"];
    served.json(&[&set[..], &["--credential-file", "token=token"]].concat());
    served.json(&["deploy", "sync.wasm", "--integration", "crm"]);
    let good = served.ended("crm", "users", 1);
    served.home.put("token", "another");
    served.json(&[&set[..], &["--credential-file", "token=token"]].concat());
    let of = ["--integration", "crm", "--connection", "one"];
    served.json(&[&["trigger", "users"][..], &of].concat());
    let bad = served.ended("crm", "users", 2);
    assert_eq!(bad["state"]["ended"]["state"], "failed", "{bad}");
    // What is left is sent when it stops.
    served.stop();
    until("the last run is told", || {
        collector.text().contains(bad["id"].as_str()?).then_some(())
    });
    let text = collector.text();
    holds(
        &text,
        &[
            "tidegate",
            "request",
            "/v1/deployments",
            good["id"].as_str().unwrap(),
            "acme/crm/one",
            "outcome",
            "success",
            "failed",
            "error.type",
            "guest.error",
        ],
    );
    let keys = std::fs::read_to_string(served.home.path(".tidegate/operator-key")).unwrap();
    for secret in [SECRET, keys.trim(), "Bearer", "tg_"] {
        assert!(!text.contains(secret), "`{secret}` was sent");
    }
    for (head, _) in collector.sent.lock().unwrap().iter() {
        holds(head, &["post /v1/traces ", "application/x-protobuf"]);
        assert!(!head.contains("authorization"), "{head}");
    }
}
