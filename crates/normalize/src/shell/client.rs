//! `curl`, `wget`, HTTPie: the HTTP call that a command line makes (<https://curl.se/docs/manpage.html>,
//! <https://www.gnu.org/software/wget/manual/>, <https://httpie.io/docs/cli>).

use crate::{CanonicalUrl, http::Call, namer::Namer};
use interven_types::parse_json;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most URLs of one command.
const MAX_URLS: usize = 32;

/// Stands for an address that cannot be read (RFC 2606: no host has this name).
const UNREADABLE: &str = "https://unreadable.invalid/";

/// What a command line asks of its client.
#[derive(Debug, Default)]
struct Draft {
    method: Option<String>,
    urls: Vec<String>,
    headers: BTreeMap<String, String>,
    data: Vec<String>,
    form: Map<String, Value>,
    uploads: bool,
    asks_head: bool,
    data_in_query: bool,
    /// Where the call goes beside its URLs, or in place of them: through a proxy, to another address for the host's name.
    ways: Vec<String>,
    files: Files,
}

/// Files that a command line names.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Their content is sent, or obeyed.
    pub read: Vec<String>,
    pub written: Vec<String>,
}

/// What an option means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Method,
    Url,
    Header,
    Data,
    Json,
    Form,
    File,
    Upload,
    Head,
    Get,
    Agent,
    User,
    /// A file that says more about the call.
    Config,
    Output,
    OutputDirectory,
    Proxy,
    /// `host:port:address`, and `host:port:other host:port`
    Reroute,
    /// A socket of this machine: who answers there is not known.
    Socket,
    /// wget: a line of its settings, `https_proxy=…`
    Setting,
    /// A value that says nothing about the call.
    Ignored,
}

use Meaning::{
    Agent, Config, Data, File, Form, Get, Head, Header, Ignored, Json, Method, Output, OutputDirectory,
    Proxy, Reroute, Setting, Socket, Upload, Url, User,
};

/// curl: short option, long option, meaning. Options that take no value and change nothing are not listed.
const CURL: &[(&str, &str, Meaning)] = &[
    ("X", "request", Method),
    ("", "url", Url),
    ("H", "header", Header),
    ("d", "data", Data),
    ("", "data-raw", Data),
    ("", "data-binary", Data),
    ("", "data-ascii", Data),
    ("", "data-urlencode", Data),
    ("", "json", Json),
    ("F", "form", Form),
    ("", "form-string", Form),
    ("T", "upload-file", Upload),
    ("I", "head", Head),
    ("G", "get", Get),
    ("A", "user-agent", Agent),
    ("u", "user", User),
    ("K", "config", Config),
    ("o", "output", Output),
    ("", "trace", Output),
    ("", "trace-ascii", Output),
    ("", "stderr", Output),
    ("", "etag-save", Output),
    ("w", "write-out", Ignored),
    ("m", "max-time", Ignored),
    ("", "connect-timeout", Ignored),
    ("", "retry", Ignored),
    ("", "retry-delay", Ignored),
    ("x", "proxy", Proxy),
    ("", "preproxy", Proxy),
    ("", "socks4", Proxy),
    ("", "socks4a", Proxy),
    ("", "socks5", Proxy),
    ("", "socks5-hostname", Proxy),
    ("b", "cookie", Ignored),
    ("c", "cookie-jar", Output),
    ("e", "referer", Ignored),
    ("E", "cert", File),
    ("", "key", File),
    ("", "cacert", Ignored),
    ("", "resolve", Reroute),
    ("", "connect-to", Reroute),
    ("r", "range", Ignored),
    ("", "limit-rate", Ignored),
    ("", "max-redirs", Ignored),
    ("", "interface", Ignored),
    ("", "oauth2-bearer", Ignored),
    ("", "aws-sigv4", Ignored),
    ("U", "proxy-user", Ignored),
    ("D", "dump-header", Output),
    ("", "output-dir", OutputDirectory),
    ("", "unix-socket", Socket),
    ("", "abstract-unix-socket", Socket),
    ("", "ciphers", Ignored),
    ("C", "continue-at", Ignored),
    ("z", "time-cond", Ignored),
];

const WGET: &[(&str, &str, Meaning)] = &[
    ("", "method", Method),
    ("", "header", Header),
    ("", "post-data", Data),
    ("", "body-data", Data),
    ("", "post-file", Upload),
    ("", "body-file", Upload),
    ("U", "user-agent", Agent),
    ("O", "output-document", Output),
    ("o", "output-file", Output),
    ("a", "append-output", Output),
    ("P", "directory-prefix", OutputDirectory),
    ("", "save-cookies", Output),
    ("", "config", Config),
    ("T", "timeout", Ignored),
    ("t", "tries", Ignored),
    ("i", "input-file", File),
    ("e", "execute", Setting),
    ("", "user", User),
    ("", "password", Ignored),
    ("A", "accept", Ignored),
    ("l", "level", Ignored),
    ("w", "wait", Ignored),
    ("", "load-cookies", File),
];

/// Names the calls that a client's command line makes, through `proxies` that its environment sets; gives the files that it
/// names.
pub(super) fn name(
    namer: &mut Namer<'_>,
    program: &str,
    arguments: &[String],
    input: Option<String>,
    proxies: Vec<String>,
) -> Files {
    let mut draft = Draft::default();
    proxies.into_iter().for_each(|proxy| draft.take_value(Proxy, proxy));
    match program {
        "curl" => draft.read_options(CURL, arguments),
        "wget" => {
            draft.read_options(WGET, arguments);
            draft.method = draft.method.take().or_else(|| draft.uploads.then(|| "POST".to_owned()));
        }
        _ => draft.read_httpie(program, arguments),
    }
    if draft.data.iter().any(|data| data == "@-")
        && let Some(input) = input
    {
        draft.data = vec![input];
    }
    // Where the target cannot be seen (`curl -K -`, `wget -i list`), the call goes out to nobody knows where.
    let says_only_itself = |word: &String| matches!(word.as_str(), "--version" | "-V" | "--help" | "-h");
    if draft.urls.is_empty() && !arguments.iter().any(says_only_itself) {
        draft.urls.push(UNREADABLE.to_owned());
    }
    draft.name(namer);
    draft.files
}

impl Draft {
    fn read_options(&mut self, options: &[(&str, &str, Meaning)], arguments: &[String]) {
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
                let exact = options.iter().find(|(_, option, _)| *option == name);
                // Both clients take an option's beginning for the option.
                let begun =
                    || options.iter().find(|(_, option, _)| name.len() > 2 && option.starts_with(name));
                if let Some((_, _, meaning)) = exact.or_else(begun) {
                    self.take(*meaning, || value.map(str::to_owned).or_else(|| rest.next().cloned()));
                }
            } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                for (at, c) in letters.char_indices() {
                    let Some((_, _, meaning)) = options.iter().find(|(short, ..)| short.starts_with(c))
                    else {
                        continue;
                    };
                    let joined = letters.get(at + c.len_utf8()..).filter(|rest| !rest.is_empty());
                    self.take(*meaning, || joined.map(str::to_owned).or_else(|| rest.next().cloned()));
                    if !matches!(meaning, Head | Get) {
                        break;
                    }
                }
            } else {
                self.urls.push(word.clone());
            }
        }
    }

    fn take(&mut self, meaning: Meaning, mut value: impl FnMut() -> Option<String>) {
        match meaning {
            Head => self.asks_head = true,
            Get => self.data_in_query = true,
            _ => {
                let Some(value) = value() else { return };
                self.take_value(meaning, value);
            }
        }
    }

    fn take_value(&mut self, meaning: Meaning, value: String) {
        match meaning {
            Method => self.method = Some(value.to_ascii_uppercase()),
            Url => self.urls.push(value),
            Header => {
                if let Some(file) = value.strip_prefix('@') {
                    self.files.read.push(file.to_owned());
                } else if let Some((name, value)) = value.split_once(':') {
                    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
                    if name == "host" {
                        self.ways.push(format!("http://{value}/"));
                    }
                    self.headers.insert(name, value);
                }
            }
            Data | Json => {
                if let Some(file) = value.strip_prefix('@').filter(|file| *file != "-") {
                    self.files.read.push(file.to_owned());
                }
                if meaning == Json {
                    self.headers.insert("content-type".to_owned(), "application/json".to_owned());
                }
                self.data.push(value);
            }
            Form => {
                let (name, content) = value.split_once('=').unwrap_or((&value, ""));
                if let Some(file) = content.strip_prefix(['@', '<']) {
                    self.files.read.push(file.split(';').next().unwrap_or(file).to_owned());
                }
                self.form.insert(name.to_owned(), Value::String(content.to_owned()));
            }
            Upload => {
                self.uploads = true;
                self.files.read.push(value);
            }
            File => self.files.read.push(value),
            Config => {
                self.ways.push(UNREADABLE.to_owned());
                self.files.read.push(value);
            }
            Output if value != "-" => self.files.written.push(value),
            OutputDirectory => self.files.written.push(format!("{value}/")),
            Proxy => {
                let place = value.split_once("://").map_or(value.as_str(), |(_, place)| place);
                self.ways.push(format!("http://{place}"));
            }
            Reroute => {
                let address = value.splitn(3, ':').nth(2).filter(|address| !address.is_empty());
                let addresses = address.unwrap_or("unreadable.invalid").split(',');
                self.ways.extend(addresses.map(|address| format!("http://{address}/")));
            }
            Socket => self.ways.push(UNREADABLE.to_owned()),
            Setting => {
                if let Some((name, proxy)) = value.split_once('=')
                    && name.trim().to_ascii_lowercase().ends_with("_proxy")
                    && name.trim() != "use_proxy"
                {
                    self.take_value(Proxy, proxy.trim().to_owned());
                }
            }
            User => _ = self.headers.insert("authorization".to_owned(), format!("Basic {value}")),
            Agent => _ = self.headers.insert("user-agent".to_owned(), value),
            Head | Get | Output | Ignored => {}
        }
    }

    /// `http POST host/path name=value number:=3 query==x Header:value field@file`
    fn read_httpie(&mut self, program: &str, arguments: &[String]) {
        let mut operands = arguments.iter().filter(|word| !word.starts_with('-'));
        let Some(first) = operands.next() else { return };
        let is_method = first.len() <= 8 && first.bytes().all(|b| b.is_ascii_uppercase());
        let url = if is_method { operands.next() } else { Some(first) };
        if is_method {
            self.method = Some(first.clone());
        }
        self.urls.extend(url.map(|url| match url.contains("://") {
            true => url.clone(),
            false => format!("{}://{url}", if program == "https" { "https" } else { "http" }),
        }));
        for item in operands {
            if item.contains("==") {
                continue;
            } else if let Some((name, json)) = item.split_once(":=") {
                self.form.insert(name.to_owned(), parse_json(json.as_bytes()).unwrap_or_default());
            } else if let Some((name, value)) = item.split_once('=') {
                self.form.insert(name.to_owned(), Value::String(value.to_owned()));
            } else if let Some((_, file)) = item.split_once('@') {
                self.files.read.push(file.to_owned());
            } else if let Some((name, value)) = item.split_once(':') {
                self.headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
        }
    }

    fn name(&self, namer: &mut Namer<'_>) {
        let body = self.body();
        let default = match () {
            () if self.asks_head => "HEAD",
            () if self.data_in_query => "GET",
            () if self.uploads => "PUT",
            () if !body.is_null() => "POST",
            () => "GET",
        };
        let method = self.method.as_deref().unwrap_or(default);
        for raw in self.urls.iter().take(MAX_URLS) {
            let with_scheme = if raw.contains("://") { raw.clone() } else { format!("http://{raw}") };
            let separator = if raw.contains('?') { '&' } else { '?' };
            let with_data = match self.data_in_query {
                true => format!("{with_scheme}{separator}{}", self.data.join("&")),
                false => with_scheme,
            };
            // A URL with a variable for its host is not a URL; what it names is unknown, that it goes out is not.
            let url = CanonicalUrl::parse(&with_data).or_else(|_| CanonicalUrl::parse(UNREADABLE));
            if let Ok(url) = url {
                namer.name(Call { method, url: &url, headers: &self.headers, body: &body });
            }
        }
        for way in self.ways.iter().take(MAX_URLS) {
            let url = CanonicalUrl::parse(way).or_else(|_| CanonicalUrl::parse(UNREADABLE));
            if let Ok(url) = url {
                namer.name(Call { method, url: &url, headers: &self.headers, body: &body });
            }
        }
    }

    fn body(&self) -> Value {
        if self.data_in_query {
            return Value::Null;
        }
        if !self.form.is_empty() {
            return Value::Object(self.form.clone());
        }
        match self.data.as_slice() {
            [] => Value::Null,
            data => Value::String(data.join("&")),
        }
    }
}
