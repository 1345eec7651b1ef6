//! Throw-away PostgreSQL servers: real ones, on a port of their own, gone with the test.

use std::{
    fs,
    io::{Seek, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a server until it ends, or until whoever holds the other end of the standard input is gone: then nobody would stop
/// it, or remove its files.
const GUARDED: &str = r#"
directory=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{
    cat <&3 >/dev/null
    if kill -QUIT "$server" 2>/dev/null; then
        while kill -0 "$server" 2>/dev/null; do sleep 0.1; done
        rm -rf "$directory"
    fi
} &
exec 3<&-
wait "$server"
"#;

/// A running server. Stopped, and its files removed, when the last who shares it lets go.
#[derive(Debug)]
pub struct Cluster {
    directory: PathBuf,
    port: u16,
    server: Mutex<Option<Child>>,
    databases: AtomicU32,
}

/// What a server promises about the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: fast.
    None,
    /// What was committed survives a crash of the machine.
    Full,
}

/// The server that the tests of one binary share.
static SHARED: LazyLock<Mutex<Weak<Cluster>>> = LazyLock::new(Mutex::default);

impl Cluster {
    /// The server of this test binary, without promises about the disk; started by whoever asks first.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let cluster = Arc::new(Self::start(Durability::None, &[]));
            *shared = Arc::downgrade(&cluster);
            cluster
        })
    }

    /// A server of one's own, with settings as in `postgresql.conf`: `max_connections=20`.
    pub fn start(durability: Durability, settings: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("interven-pg-").tempdir().unwrap().keep();
        give_to_postgres(&directory);
        let mut initdb = as_postgres("initdb");
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run(initdb.arg("--pgdata").arg(directory.join("data")));
        let mut configuration = String::from("listen_addresses = '127.0.0.1'\n");
        if durability == Durability::None {
            configuration += "fsync = off\nfull_page_writes = off\n";
        }
        settings.iter().for_each(|setting| configuration += &format!("{setting}\n"));
        let file = directory.join("data/postgresql.auto.conf");
        fs::write(file, configuration).unwrap();
        let cluster =
            Self { port: free_port(), directory, server: Mutex::default(), databases: AtomicU32::new(0) };
        cluster.restart();
        cluster
    }

    /// Starts the server, after a stop or a kill; on the same port.
    pub fn restart(&self) {
        let mut server = as_postgres("sh");
        server.args(["-c", GUARDED, "sh"]).arg(&self.directory).arg(find("postgres")).arg("-D");
        server.arg(self.directory.join("data")).arg("-k").arg(&self.directory);
        let log = fs::File::options().create(true).append(true).open(self.log()).unwrap();
        server.args(["-p", &self.port.to_string()]).stderr(log).stdout(Stdio::null()).stdin(Stdio::piped());
        let mut child = server.spawn().unwrap();
        let begun = Instant::now();
        while !self.is_ready() {
            let has_ended = child.try_wait().unwrap().is_some();
            if has_ended || begun.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("PostgreSQL does not start: {}", fs::read_to_string(self.log()).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(20));
        }
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    }

    /// Stops the server, cutting its connections and writing everything out.
    pub fn stop(&self) {
        self.end("fast");
    }

    /// Ends the server as a power cut would: what its log holds is recovered at the next start.
    pub fn kill(&self) {
        self.end("immediate");
    }

    fn end(&self, mode: &str) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut server) = server else { return };
        let mut stop = as_postgres("pg_ctl");
        stop.args(["stop", "--silent", "--mode", mode, "--pgdata"]).arg(self.directory.join("data"));
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = server.wait();
    }

    /// Starts again with TLS, under a certificate and its key in PEM.
    pub fn serve_tls(&self, certificate: &Path, key: &Path) {
        self.stop();
        let data = self.directory.join("data");
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = data.join(name);
            fs::write(&to, fs::read(from).unwrap()).unwrap();
            // PostgreSQL refuses a key that others may read.
            #[cfg(unix)]
            fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            give_to_postgres(&to);
        }
        let mut configuration =
            fs::File::options().append(true).open(data.join("postgresql.auto.conf")).unwrap();
        configuration.write_all(b"ssl = on\n").unwrap();
        self.restart();
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The address of a database by its name, as the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A program of the same PostgreSQL, such as `pg_dump`, run as who owns the server's files.
    pub fn tool(&self, program: &str) -> Command {
        as_postgres(program)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the server's files are: `data` below it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs SQL as a person with a shell would; answers with the rows, columns apart by `|`. The database is named, or
    /// given by its address.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let url = if database.contains("://") { database.to_owned() } else { self.url(database) };
        let mut psql = command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.args(["--dbname", &url, "--file=-"]);
        // From a file, so that each statement is a transaction of its own.
        let mut script = tempfile::tempfile().unwrap();
        script.write_all(sql.as_bytes()).unwrap();
        script.rewind().unwrap();
        run(psql.stdin(script)).trim().to_owned()
    }

    fn is_ready(&self) -> bool {
        let mut ready = command("pg_isready");
        ready.args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()]);
        ready.status().is_ok_and(|status| status.success())
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end("immediate");
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port that nobody uses at this moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// In `PATH`, or where Debian puts the programs of a version.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    versions.sort();
    places.extend(versions.into_iter().rev());
    let found = places.iter().map(|place| place.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("no `{program}`: install PostgreSQL 14 or newer (`make setup`)"))
}

fn command(program: &str) -> Command {
    let mut command = Command::new(find(program));
    command.stdin(Stdio::null());
    // What a shell may have set for its own server.
    for name in ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGDATA"]
    {
        command.env_remove(name);
    }
    command
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn as_postgres(program: &str) -> Command {
    let mut command = command(program);
    #[cfg(unix)]
    if let Some((uid, gid)) = postgres_user() {
        std::os::unix::process::CommandExt::uid(&mut command, uid);
        std::os::unix::process::CommandExt::gid(&mut command, gid);
    }
    command.current_dir("/");
    command
}

fn give_to_postgres(directory: &Path) {
    #[cfg(unix)]
    if let Some((uid, gid)) = postgres_user() {
        std::os::unix::fs::chown(directory, Some(uid), Some(gid)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = directory;
}

/// User and group, when we are root.
#[cfg(unix)]
fn postgres_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let line = line.unwrap_or_else(|| panic!("no user `postgres`, and the server does not run as root"));
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
