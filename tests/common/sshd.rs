//! A real sshd on this machine: the test takes the connections and hands each to a server of its own (`sshd -i`), so that
//! it knows which process serves which connection, and can end it.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, io::Write, thread};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// What becomes of a connection that comes.
#[derive(Clone, Copy, PartialEq)]
enum Door {
    Open,
    Shut,
}

/// A server, a user with a key, and a client's configuration that calls the server `box`.
pub struct Sshd {
    folder: TempDir,
    door: Arc<Mutex<Door>>,
    serving: Arc<Mutex<Vec<Child>>>,
    knocks: UnboundedReceiver<()>,
}

impl Sshd {
    /// None where there is no sshd, which is said where it is seen; where one is expected, that is a fault.
    pub fn start() -> Option<Sshd> {
        let Some(sshd) = find() else {
            let expected = ["CI", "DARKROOM_NEEDS_SSHD"].into_iter().find(|name| env::var_os(name).is_some());
            assert!(expected.is_none(), "{} is set, and there is no sshd; install openssh-server", expected.unwrap_or_default());
            // Past the test harness, which hides what a test prints that passes.
            let mut seen = std::io::stderr();
            seen.write_all(b"LEFT OUT: there is no sshd; install openssh-server to test the link over ssh\n").unwrap();
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        configure(folder.path(), listener.local_addr().unwrap().port());
        let (door, serving) = (Arc::new(Mutex::new(Door::Open)), Arc::<Mutex<Vec<Child>>>::default());
        let (knock, knocks) = unbounded_channel();
        let (its_door, its_serving, its_folder) = (door.clone(), serving.clone(), folder.path().to_owned());
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                match *its_door.lock().unwrap() {
                    Door::Open => its_serving.lock().unwrap().push(serve(&sshd, &its_folder, stream)),
                    Door::Shut => stream.shutdown(Shutdown::Both).unwrap(),
                }
                if knock.send(()).is_err() {
                    return;
                }
            }
        });
        Some(Sshd { folder, door, serving, knocks })
    }

    /// A folder with an `ssh` that knows the server, to be put first on `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// That program.
    pub fn ssh(&self) -> PathBuf {
        self.bin().join("ssh")
    }

    /// Adds lines to the client's configuration, before those that are there.
    pub fn prefer(&self, lines: &str) {
        let config = self.folder.path().join("ssh_config");
        let before = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{lines}\n{before}")).unwrap();
    }

    /// The server does not know the user any more.
    pub fn forget_user(&self) {
        fs::write(self.folder.path().join("authorized_keys"), "").unwrap();
    }

    /// The server has another key than it had.
    pub fn changes_key(&self) {
        let key = self.folder.path().join("host");
        fs::remove_file(&key).unwrap();
        make_key(&key);
    }

    /// Ends the processes that serve connections, as a machine does that goes down, and closes the door on those that come.
    pub fn cut(&mut self) {
        *self.door.lock().unwrap() = Door::Shut;
        for mut server in self.serving.lock().unwrap().drain(..) {
            server.kill().unwrap();
            server.wait().unwrap();
        }
        self.forget_knocks();
    }

    /// The machine takes what comes, and does nothing with it any more: what is said to it from now on is lost.
    pub fn freezes(&mut self) {
        for server in self.serving.lock().unwrap().iter() {
            kill_process(Pid::from_child(server), Signal::STOP).unwrap();
        }
        self.forget_knocks();
    }

    /// Who has come so far does not count.
    pub fn forget_knocks(&mut self) {
        while self.knocks.try_recv().is_ok() {}
    }

    /// Waits until somebody has come to the door.
    pub async fn knocked(&mut self) {
        timeout(PATIENCE, self.knocks.recv()).await.expect("nobody came to the door");
    }

    /// Lets connections in again.
    pub fn open(&self) {
        *self.door.lock().unwrap() = Door::Open;
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.cut();
    }
}

/// An absolute path: sshd starts itself anew for every connection.
fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join("sshd")).find(|sshd| sshd.is_file())
}

fn serve(sshd: &Path, folder: &Path, stream: TcpStream) -> Child {
    let (input, output): (OwnedFd, OwnedFd) = (stream.try_clone().unwrap().into(), stream.into());
    let log = File::options().create(true).append(true).open(folder.join("sshd.log")).unwrap();
    let mut command = Command::new(sshd);
    command.args(["-i", "-e", "-f"]).arg(folder.join("sshd_config"));
    command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(log).spawn().unwrap()
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).stdin(Stdio::null()).status();
    assert!(made.unwrap().success());
}

fn configure(folder: &Path, port: u16) {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for key in ["host", "user"] {
        make_key(&folder.join(key));
    }
    fs::copy(at("user.pub"), at("authorized_keys")).unwrap();
    let host = fs::read_to_string(at("host.pub")).unwrap();
    fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {host}")).unwrap();
    // As root it wants a folder to be confined to, which the system makes when it starts the service.
    fs::create_dir_all("/run/sshd").ok();
    let server = format!(
        "HostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n",
        at("host"),
        at("authorized_keys")
    );
    fs::write(at("sshd_config"), server).unwrap();
    let client = format!(
        "Host box\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {}\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {}\n  \
         GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n",
        at("user"),
        at("known_hosts")
    );
    fs::write(at("ssh_config"), client).unwrap();
    fs::create_dir(folder.join("bin")).unwrap();
    // A shell writes it: were it ever open for writing in this process, another thread's child could keep it so.
    let script = r#"printf '#!/bin/sh\nexec ssh -F %s "$@"\n' "$1" > "$2" && chmod +x "$2""#;
    let ssh = which("ssh");
    let script = script.replace("exec ssh", &format!("exec {}", ssh.display()));
    let written = Command::new("sh").args(["-c", &script, "sh", &at("ssh_config"), &at("bin/ssh")]).status().unwrap();
    assert!(written.success() && fs::metadata(at("bin/ssh")).unwrap().permissions().mode() & 0o100 != 0);
}

fn which(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|found| found.is_file()).expect(program)
}
