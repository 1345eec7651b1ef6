//! A local server that answers connections as a case scripts them, one request per connection, and notes what it was asked.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    verdict: Option<Map<String, Value>>,
    /// `null` is an answer too.
    #[serde(default, deserialize_with = "present")]
    json: Option<Value>,
    text: Option<String>,
    base64: Option<String>,
    raw: Option<String>,
    framing: Option<String>,
    fault: Option<String>,
    delay_ms: Option<u64>,
    byte_pause_ms: Option<u64>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    noted: Arc<Mutex<Vec<Noted>>>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let noted = Arc::<Mutex<Vec<Noted>>>::default();
        let (to, own) = (Arc::clone(&noted), address.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, noted, address) = (script.clone(), Arc::clone(&to), own.clone());
                // A client that gives up breaks the connection.
                tokio::spawn(async move { serve(stream, &script, &noted, &address).await.ok() });
            }
        });
        Self { address, noted, accepting }
    }

    pub(crate) fn noted(&self) -> Vec<Noted> {
        self.noted.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    script: &[Answer],
    noted: &Mutex<Vec<Noted>>,
    address: &str,
) -> io::Result<()> {
    let Some(request) = read(&mut stream).await? else { return Ok(()) };
    let at = {
        let mut noted = noted.lock().unwrap();
        noted.push(request);
        noted.len() - 1
    };
    let Some(answer) = script.get(at) else { return Ok(()) };
    sleep(Duration::from_millis(answer.delay_ms.unwrap_or_default())).await;
    let fault = answer.fault.as_deref().unwrap_or_default();
    match fault {
        "never" => return stream.read_u8().await.map(drop),
        "close" => return Ok(()),
        "reset" => return stream.set_zero_linger(),
        _ => {}
    }
    let mut bytes = answer.encode(address);
    if matches!(fault, "truncate" | "stall") {
        bytes.truncate(bytes.len() - 20);
    }
    match answer.byte_pause_ms {
        None => stream.write_all(&bytes).await?,
        Some(pause) => {
            for byte in bytes {
                stream.write_all(&[byte]).await?;
                sleep(Duration::from_millis(pause)).await;
            }
        }
    }
    if fault == "stall" {
        stream.read_u8().await?;
    }
    stream.shutdown().await
}

async fn read(stream: &mut TcpStream) -> io::Result<Option<Noted>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + 4 + length {
        stream.read_buf(&mut bytes).await?;
    }
    Ok(Some(Noted {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        headers,
        body: serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default(),
    }))
}

impl Answer {
    fn encode(&self, address: &str) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
        }
        let mut body = self.body();
        let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", self.status.unwrap_or(200));
        if !self.headers.contains_key("Content-Type") {
            head.push_str("Content-Type: application/json\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {}\r\n", value.replace("{server}", address)));
        }
        match self.framing.as_deref().unwrap_or("length") {
            "length" => head.push_str(&format!("Content-Length: {}\r\n", body.len())),
            "chunked" => {
                head.push_str("Transfer-Encoding: chunked\r\n");
                let chunk =
                    |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
                body = body.chunks(7).flat_map(chunk).chain(*b"0\r\n\r\n").collect();
            }
            _ => {}
        }
        [head.as_bytes(), b"\r\n", &body].concat()
    }

    fn body(&self) -> Vec<u8> {
        match self {
            Self { verdict: Some(changes), .. } => {
                let mut verdict = base_verdict();
                verdict.extend(changes.clone());
                Value::Object(verdict).to_string().into_bytes()
            }
            Self { json: Some(json), .. } => json.to_string().into_bytes(),
            Self { base64: Some(base64), .. } => STANDARD.decode(base64).unwrap(),
            Self { text, .. } => text.clone().unwrap_or_default().into_bytes(),
        }
    }
}

/// What `verdict` is laid over.
fn base_verdict() -> Map<String, Value> {
    let verdict = json!({
        "decision": "ALLOW", "risk_score": 0.1, "risk_band": "LOW", "reason_codes": [],
        "trace_id": "0190f3a4-0000-7000-8000-000000000001", "tool_name": "slack", "operation": "post_message",
        "verb": "WRITE", "classifications": [], "signals": [], "coverage": {"evaluated": [], "skipped": []},
        "ledger_seq": 7,
    });
    verdict.as_object().unwrap().clone()
}
