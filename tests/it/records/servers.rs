//! Servers that keep records, each of the distribution's, in a folder of its own, on a port of its own, gone with the test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The password of every server here; it must never be seen.
pub const PASSWORD: &str = "PLANTED-server-password";

/// What kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mysql,
    Postgres,
    Redis,
}

/// A server, which can be killed and started again with what it had.
pub struct Server {
    pub kind: Kind,
    port: u16,
    folder: TempDir,
    process: Option<Child>,
    takes_tls_only: bool,
}

/// An authority, and what it signs.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: rcgen::Issuer::new(params, key), pem }
    }

    /// Writes what says who it is.
    pub fn write(&self, path: &Path) -> String {
        std::fs::write(path, &self.pem).unwrap();
        path.display().to_string()
    }

    /// A certificate of that name, and its key.
    fn signed(&self, name: &str) -> [String; 2] {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        [params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem()]
    }
}

impl Server {
    /// A new one, which answers.
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, None)
    }

    /// One that takes connections by TLS only, with a certificate of that name.
    pub fn start_by_tls(kind: Kind, authority: &Authority, name: &str) -> Self {
        Self::start_with(kind, Some((authority, name)))
    }

    fn start_with(kind: Kind, signed: Option<(&Authority, &str)>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::Builder::new().prefix("hvac-keeps-").tempdir_in("/tmp").unwrap();
        let mut server = Self { kind, port, folder, process: None, takes_tls_only: signed.is_some() };
        server.set_up();
        if let Some((authority, name)) = signed {
            server.set_up_tls(authority, name);
        }
        server.up();
        server
    }

    /// As the setting of its kind names it.
    pub fn url(&self) -> String {
        let port = self.port;
        match self.kind {
            Kind::Mysql => format!("mysql://hvac:{PASSWORD}@127.0.0.1:{port}/records"),
            Kind::Postgres => format!("postgres://hvac:{PASSWORD}@127.0.0.1:{port}/postgres"),
            Kind::Redis => format!("redis://:{PASSWORD}@127.0.0.1:{port}/0"),
        }
    }

    /// The setting and its value.
    pub fn setting(&self) -> (&'static str, String) {
        let name = match self.kind {
            Kind::Mysql => "RECORDS_MYSQL_URL",
            Kind::Postgres => "RECORDS_POSTGRES_URL",
            Kind::Redis => "RECORDS_REDIS_URL",
        };
        (name, self.url())
    }

    /// As declarations name its kind.
    pub fn word(&self) -> &'static str {
        match self.kind {
            Kind::Mysql => "mysql",
            Kind::Postgres => "postgres",
            Kind::Redis => "redis",
        }
    }

    fn set_up(&self) {
        let folder = self.folder.path();
        let below = |name: &str| folder.join(name);
        match self.kind {
            Kind::Redis => {}
            Kind::Postgres => {
                if is_root() {
                    done(Command::new("chown").arg("postgres").arg(folder));
                }
                std::fs::write(below("password"), PASSWORD).unwrap();
                let mut initdb = as_user("postgres", &postgres("initdb"));
                initdb.args(["-U", "hvac", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", "--no-locale"]);
                initdb.arg("--pwfile").arg(below("password")).arg("-D").arg(below("data"));
                done(&mut initdb);
            }
            Kind::Mysql => {
                let mut install = Command::new("mariadb-install-db");
                install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
                install.arg(format!("--datadir={}", below("data").display()));
                if is_root() {
                    install.arg("--user=root");
                }
                done(&mut install);
                let sql = format!(
                    "CREATE DATABASE IF NOT EXISTS records;\n\
                     CREATE USER IF NOT EXISTS hvac@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
                     GRANT ALL ON records.* TO hvac@'127.0.0.1';\n"
                );
                std::fs::write(below("init.sql"), sql).unwrap();
            }
        }
    }

    fn set_up_tls(&self, authority: &Authority, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let below = |name: &str| self.folder.path().join(name);
        authority.write(&below("ca.pem"));
        for (file, pem) in ["cert.pem", "key.pem"].into_iter().zip(authority.signed(name)) {
            std::fs::write(below(file), pem).unwrap();
            std::fs::set_permissions(below(file), std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() && self.kind == Kind::Postgres {
                done(Command::new("chown").arg("postgres").arg(below(file)));
            }
        }
        if self.kind == Kind::Postgres {
            std::fs::write(below("data/pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").unwrap();
        }
    }

    /// Starts it, on what it has.
    pub fn up(&mut self) {
        self.spawn();
        let begun = Instant::now();
        while !self.answers() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?} does not answer: {log}", self.kind);
            std::thread::sleep(Duration::from_millis(50));
            // What a killed one left behind may have been in its way.
            if self.process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_some()) {
                self.spawn();
            }
        }
    }

    fn spawn(&mut self) {
        let (folder, port) = (self.folder.path(), self.port.to_string());
        let below = |name: &str| folder.join(name).display().to_string();
        let mut command = match self.kind {
            Kind::Redis => {
                let mut command = Command::new("redis-server");
                if self.takes_tls_only {
                    command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
                    command.args(["--tls-cert-file", &below("cert.pem"), "--tls-key-file", &below("key.pem")]);
                    command.args(["--tls-ca-cert-file", &below("ca.pem")]);
                } else {
                    command.args(["--port", &port]);
                }
                command.args(["--bind", "127.0.0.1", "--requirepass", PASSWORD]);
                command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
                command
            }
            Kind::Postgres => {
                let mut command = as_user("postgres", &postgres("postgres"));
                command.args(["-D", &below("data"), "-p", &port, "-k", &below(""), "-c", "listen_addresses=127.0.0.1"]);
                // Below its own folder: what a killed one shared would stay.
                command.args(["-c", "dynamic_shared_memory_type=mmap"]);
                if self.takes_tls_only {
                    command.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", below("cert.pem"))]);
                    command.args(["-c", &format!("ssl_key_file={}", below("key.pem"))]);
                }
                command
            }
            Kind::Mysql => {
                let mut command = Command::new("mariadbd");
                command.args(["--no-defaults", "--bind-address=127.0.0.1", "--port", &port]);
                command.arg(format!("--datadir={}", below("data")));
                command.arg(format!("--socket={}", below("socket")));
                command.arg(format!("--init-file={}", below("init.sql")));
                if self.takes_tls_only {
                    command.args(["--require-secure-transport=ON", &format!("--ssl-ca={}", below("ca.pem"))]);
                    command.arg(format!("--ssl-cert={}", below("cert.pem")));
                    command.arg(format!("--ssl-key={}", below("key.pem")));
                }
                if is_root() {
                    command.arg("--user=root");
                }
                command
            }
        };
        let log = std::fs::File::create(folder.join("log")).unwrap();
        command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let started = command.spawn();
        self.process = Some(started.unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/test installs it")));
    }

    /// Whether it takes connections and carries statements out: one that starts takes some before it does.
    fn answers(&self) -> bool {
        if TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            return false;
        }
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::Redis => {
                let mut command = Command::new("redis-cli");
                command.args(["-p", &port, "-a", PASSWORD, "--no-auth-warning", "-e"]);
                if self.takes_tls_only {
                    command.args(["--tls", "--insecure"]);
                }
                command.arg("ping");
                command
            }
            Kind::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-h", "127.0.0.1", "-p", &port, "-U", "hvac", "-d", "postgres", "-c", "SELECT 1"]);
                command.env("PGPASSWORD", PASSWORD);
                command
            }
            Kind::Mysql => {
                let mut command = Command::new("mariadb");
                command.args(["--no-defaults", "--protocol=tcp", "-h", "127.0.0.1", "-P", &port, "-u", "hvac"]);
                if self.takes_tls_only {
                    command.arg("--ssl");
                }
                command.arg(format!("-p{PASSWORD}")).args(["-e", "SELECT 1", "records"]);
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    }

    /// Carries statements out beside the program, in PostgreSQL.
    pub fn sql(&self, statements: &str) {
        let mut command = Command::new("psql");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "hvac", "-d", "postgres"]);
        done(command.args(["-v", "ON_ERROR_STOP=1", "-c", statements]).env("PGPASSWORD", PASSWORD));
    }

    /// Kills it as a power cut would.
    pub fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.down();
    }
}

fn is_root() -> bool {
    // SAFETY is nobody's concern here: the folder of this process tells whose it is.
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// A program of PostgreSQL's newest version here.
fn postgres(program: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions.pop().map_or_else(|| PathBuf::from(program), |version| version.join("bin").join(program))
}

/// PostgreSQL does not run as root.
fn as_user(user: &str, program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(program);
    command
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; scripts/test installs it"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}
