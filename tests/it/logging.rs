//! Nobody reads what the program says: no request and no command fails for it. And what signals do to a server.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::helpers::Process;

/// A server whose output goes anywhere.
struct Server {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Server {
    /// Returns when it answers.
    fn start(prepare: impl FnOnce(&mut Command)) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Process::command(folder.path(), &["serve", "--port", &port.to_string()]);
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended with {status}");
            }
            assert!(Instant::now() < patience, "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, _folder: folder }
    }

    /// The status of the answer to a request, which is logged.
    fn status(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("{path}: no answer")).parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Its exit code, or the signal that ended it.
    fn ended(&mut self) -> Result<i32, Option<i32>> {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().ok_or(status.signal());
            }
            assert!(Instant::now() < patience, "the server goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Answers, fails, logs warnings and errors; and stops in order.
    fn works(mut self) {
        for (path, status) in
            [("/api/sessions", 200), ("/api/nothing", 404), ("/health", 200), ("/api/sessions?page=0", 422)]
        {
            assert_eq!(self.status(path), status, "{path}");
        }
        self.signal("TERM");
        assert_eq!(self.ended(), Ok(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_answers_when_the_reader_of_its_log_is_gone() {
    let mut server = Server::start(|command| {
        command.stdout(Stdio::null());
    });
    drop(server.child.stderr.take());
    server.works();
    // From the beginning, both.
    let server = Server::start(|command| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer.try_clone().unwrap()).stderr(writer).env("LOG_FORMAT", "json");
    });
    server.works();
}

#[test]
fn a_server_answers_when_its_log_is_on_a_full_disk_or_closed() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    Server::start(|command| {
        command.stdout(full()).stderr(full());
    })
    .works();
    Server::start(|command| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg("exec \"$0\" \"$@\" >&- 2>&- <&-").arg(command.get_program()).args(command.get_args());
        shell.current_dir(command.get_current_dir().unwrap());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        *command = shell;
    })
    .works();
}

#[test]
fn a_server_answers_when_nobody_empties_the_pipe_of_its_log() {
    let (reader, writer) = std::io::pipe().unwrap();
    let server = Server::start(|command| {
        command.stdout(Stdio::null()).stderr(writer).env("RUST_LOG", "debug");
    });
    // A pipe holds 64 KiB, which is a few hundred lines.
    for number in 0..900 {
        assert_eq!(server.status("/api/nothing"), 404, "request {number}");
    }
    server.works();
    drop(reader);
}

#[test]
fn a_command_ends_quietly_when_its_reader_has_gone() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str], prepare: &dyn Fn(&mut Command)| {
        let mut command = Process::command(folder.path(), arguments);
        prepare(&mut command);
        let ran = command.output().unwrap();
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stdout).into_owned(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    };
    let gone = |command: &mut Command| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer);
    };
    assert_eq!(run(&["demo"], &|_| ()).0, Some(0));
    for arguments in [
        &["sessions"][..],
        &["sessions", "--json"],
        &["preview", "Demo plant", "--rows", "1000"],
        &["export", "Demo plant", "-f", "csv", "-o", "-"],
        &["doctor"],
        &["--help"],
        &["--version"],
    ] {
        let (code, _, stderr) = run(arguments, &gone);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let (code, _, stderr) = run(&["sessions"], &|command| {
        command.stdout(full());
    });
    assert!(code == Some(1) && stderr.contains("standard output cannot be written"), "{stderr}");
    // What it has to say of progress and failures cannot be told; the exit code and the answer can.
    let deaf = |command: &mut Command| {
        command.stderr(full());
    };
    std::fs::write(folder.path().join("a.csv"), "timestamp,A\n2024-07-01 00:00,1\n").unwrap();
    for (arguments, expected) in [
        (&["parse", "a.csv", "--timezone", "UTC"][..], 0),
        (&["clean", "a"], 0),
        (&["export", "a", "-o", "b.csv"], 0),
        (&["preview", "nobody"], 1),
        (&["fly"], 2),
        (&["--port", "x", "sessions"], 2),
    ] {
        assert_eq!(run(arguments, &deaf).0, Some(expected), "{arguments:?}");
    }
    assert!(folder.path().join("b.csv").exists());
}

#[test]
fn a_closed_terminal_does_not_end_a_server() {
    let mut server = Server::start(|_| ());
    for _ in 0..3 {
        server.signal("HUP");
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(server.child.try_wait().unwrap(), None);
    drop(server.child.stderr.take());
    server.works();
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    for (first, second, code) in [("TERM", "TERM", 143), ("INT", "INT", 130), ("TERM", "INT", 130)] {
        let mut server = Server::start(|_| ());
        // A request that goes on for as long as its client wants.
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let head = "POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n\
                    Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut told = [0; 25];
        stream.read_exact(&mut told).unwrap();
        assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n", "it reads the body");
        server.signal(first);
        // It takes no others once it has heard of it.
        while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(server.child.try_wait().unwrap(), None, "it waits for the request");
        server.signal(second);
        assert_eq!(server.ended(), Ok(code), "{first} {second}");
        let mut said = String::new();
        server.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(said.contains("a second signal"), "{said}");
        drop(stream);
    }
}

#[test]
fn nothing_in_a_file_is_an_order_to_the_terminal() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let ran = Process::command(folder.path(), arguments).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr))
    };
    let file = "TR\u{1b}[2J\u{9b}31m.csv";
    let report = "timestamp,A\u{1b}]0;x\u{7}\n2024-07-01 00:00,ON\u{1b}[31m\n2024-07-01 00:15,OFF\u{202e}\n2024-07-01 00:30,Z\u{9b}1m\n";
    std::fs::write(folder.path().join(file), report).unwrap();
    let is_order = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    for arguments in [
        &["parse", file, "--timezone", "UTC", "--name", "a"][..],
        &["sessions"],
        &["sessions", "show", "a"],
        &["preview", "a"],
        &["preview", "a", "--json"],
        &["stats", "a"],
        &["stats", "a", "--json"],
    ] {
        let (code, said) = run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        assert!(!said.contains(is_order), "{arguments:?}: {said:?}");
    }
    for arguments in
        [&["preview", "no\u{1b}[2Jbody"][..], &["parse", "x\u{1b}[2J.csv"], &["export", "a", "-o", "no/\u{1b}[2J.csv"]]
    {
        let (code, said) = run(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(!said.contains(is_order) && said.contains("\\u{1b}[2J"), "{arguments:?}: {said:?}");
    }
}

/// A folder for the tests below.
fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_misspelt_setting_in_the_env_file_is_told() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), ".env", "REQUEST_TIMEOUT_SECOND=5\nCOLOUR=red\nLOG_FORMAT=pretty\n");
    let ran = Process::command(folder.path(), &["sessions"]).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}");
    assert!(
        said.contains("REQUEST_TIMEOUT_SECOND in .env") && said.contains("did you mean REQUEST_TIMEOUT_SECONDS?"),
        "{said}"
    );
    assert!(said.contains("COLOUR in .env is no setting") && !said.contains("LOG_FORMAT"), "{said}");
}

#[test]
fn a_data_dir_that_is_not_there_is_told_and_a_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let served = |data_dir: &str| {
        let mut command = Process::command(folder.path(), &["serve", "--port", "0"]);
        command.env("DATA_DIR", folder.path().join(data_dir));
        command
    };
    let server = Process::serve_by(folder.path(), served("no such folder"));
    let said = server.stderr_after(|said| said.contains("DATA_DIR"));
    assert!(said.contains("no such folder' is not there"), "{said}");
    assert!(server.terminate().success());

    write(folder.path(), "a file", "");
    let refused = served("a file").output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("DATA_DIR=") && said.contains("it is no folder"), "{said}");
}
