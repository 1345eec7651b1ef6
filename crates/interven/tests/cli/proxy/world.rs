//! A running proxy, and upstreams that do as a test tells them.

use crate::world::interven;
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// Longer than anything here takes; who waits for it has failed.
const FOREVER: Duration = Duration::from_secs(60);

pub(super) struct Proxy {
    child: Child,
    pub(super) address: SocketAddr,
    pub(super) banner: String,
    _stdout: BufReader<ChildStdout>,
    home: TempDir,
}

impl Proxy {
    /// Judges in its own process, by the default policies.
    pub(super) fn local(arguments: &[&str]) -> Self {
        Self::start(|command| {
            command.arg("--local").args(arguments);
        })
    }

    pub(super) fn start(prepare: impl FnOnce(&mut Command)) -> Self {
        let home = TempDir::new().unwrap();
        let mut command = interven();
        command.args(["proxy", "--listen", "127.0.0.1:0"]).env("HOME", home.path());
        prepare(&mut command);
        let log = File::create(home.path().join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("HTTPS_PROXY=") {
            let read = stdout.read_line(&mut banner).unwrap();
            assert_ne!(
                read,
                0,
                "it ended early: {}",
                std::fs::read_to_string(home.path().join("log")).unwrap()
            );
        }
        let address = banner.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        Self { child, address, banner, _stdout: stdout, home }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The most memory that it held so far, in bytes (`VmHWM` of proc(5)).
    pub(super) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Sends what stands there and reads until the proxy closes.
    pub(super) fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = self.open();
        stream.write_all(request).unwrap();
        Reply::read_to_end(&mut stream)
    }

    pub(super) fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(FOREVER)).unwrap();
        stream
    }

    /// A call as clients of a forward proxy make it.
    pub(super) fn call(&self, method: &str, url: &str, headers: &str, body: &[u8]) -> Reply {
        let length = body.len();
        let head = format!(
            "{method} {url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    pub(super) fn post_json(&self, url: &str, body: &Value) -> Reply {
        self.call("POST", url, "Content-Type: application/json\r\n", body.to_string().as_bytes())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message as it came over the wire; a chunked body is put together.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    fn read_to_end(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        // An answer that was cut short shows as such.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let body = bytes.split_off(end);
        let head = String::from_utf8(bytes).unwrap();
        Self { body: if head.contains("chunked") { joined(&body) } else { body }, head }
    }

    pub(super) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status, decision and, of a refusal, its code.
    pub(super) fn verdict(&self) -> (u16, String, String) {
        let decision = self.header("x-interven-decision").unwrap_or("-").to_owned();
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        (self.status(), decision, body["code"].as_str().unwrap_or("-").to_owned())
    }
}

fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 4 + size..];
    }
    body
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (given, value) = line.split_once(':')?;
        given.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

pub(super) trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// A request as an upstream got it.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// A server that answers each connection's first request as it is told, and closes.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    got: Receiver<Got>,
}

impl Upstream {
    pub(super) fn new(answer: impl Fn(&Got, &mut dyn Wire) + Send + Sync + 'static) -> Self {
        Self::serve(None, answer)
    }

    /// Answers everything with this text.
    pub(super) fn saying(text: &'static str) -> Self {
        Self::new(move |_, wire| ok(wire, text.as_bytes()))
    }

    /// Over TLS as `127.0.0.1`; the second is its certificate.
    pub(super) fn secure(answer: impl Fn(&Got, &mut dyn Wire) + Send + Sync + 'static) -> (Self, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        (Self::serve(Some(Arc::new(config)), answer), certificate.pem())
    }

    fn serve(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Got, &mut dyn Wire) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, got) = mpsc::channel();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (tls, sender, answer) = (tls.clone(), sender.clone(), Arc::clone(&answer));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    let mut wire: Box<dyn Wire> = match tls {
                        Some(tls) => Box::new(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream)),
                        None => Box::new(stream),
                    };
                    if let Some(got) = read_request(&mut wire) {
                        let _ = sender.send(got.clone());
                        answer(&got, &mut wire);
                    }
                });
            }
        });
        Self { address, got }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn next(&self) -> Got {
        self.got.recv_timeout(FOREVER).unwrap()
    }

    /// Whether nothing came that was not looked at. Says something once the proxy has answered.
    pub(super) fn heard_nothing(&self) -> bool {
        self.got.try_recv().is_err()
    }
}

fn read_request(wire: &mut dyn Read) -> Option<Got> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if wire.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut body = Vec::new();
    match header(&head, "content-length") {
        Some(length) => {
            wire.take(length.parse().unwrap()).read_to_end(&mut body).ok()?;
        }
        None if header(&head, "transfer-encoding").is_some() => {
            while !body.ends_with(b"0\r\n\r\n") {
                wire.read_exact(&mut byte).ok()?;
                body.push(byte[0]);
            }
            body = joined(&body);
        }
        None => {}
    }
    Some(Got { head, body })
}

pub(super) fn ok(wire: &mut dyn Wire, body: &[u8]) {
    answer(wire, "200 OK", "Content-Type: text/plain\r\n", body);
}

pub(super) fn answer(wire: &mut dyn Wire, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    // Who asked may be gone.
    let _ = wire.write_all(head.as_bytes()).and_then(|()| wire.write_all(body)).and_then(|()| wire.flush());
}

/// Runs a client to its end, and returns what it printed.
pub(super) fn client(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("is it installed? {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
