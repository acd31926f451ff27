//! Where a workspace's engine is reached: a Unix socket that only its owner can open.
//!
//! The socket lies in `/tmp/darkroom-<uid>`, which a logout does not remove and where no path meets the limit of 108
//! bytes; its name is a hash of the workspace's.

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fmt::Write, fs, io};
use tokio::net::{UnixListener, UnixStream};

/// The socket of a workspace, in a folder that is made and checked.
///
/// # Errors
/// When the workspace is not there, or the folder is not ours alone.
pub fn path(workspace: &Path) -> Result<PathBuf> {
    let workspace = workspace.canonicalize().with_context(|| format!("the workspace {} cannot be opened", workspace.display()))?;
    let folder = PathBuf::from(format!("/tmp/darkroom-{}", geteuid().as_raw()));
    own_folder(&folder)?;
    let mut name = String::new();
    for byte in &Sha256::digest(workspace.as_os_str().as_encoded_bytes())[..12] {
        write!(name, "{byte:02x}")?;
    }
    Ok(folder.join(name + ".sock"))
}

/// Listens at `path`, in the place of a socket that a dead engine left. Only the holder of the workspace's lock may.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(path: &Path) -> Result<UnixListener> {
    let listen = || {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    listen().with_context(|| format!("the engine cannot listen at {}", path.display()))
}

/// Connects to the engine of a workspace; none where no engine listens.
///
/// # Errors
/// When the socket is somebody else's or cannot be opened.
pub async fn dial(workspace: &Path) -> Result<Option<UnixStream>> {
    if !workspace.exists() {
        return Ok(None);
    }
    let path = path(workspace)?;
    match UnixStream::connect(&path).await {
        Ok(stream) => check_peer(&stream).map(|()| Some(stream)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("the engine's socket {} cannot be opened", path.display())),
    }
}

/// Is the process at the other end our own user's?
///
/// # Errors
/// When it is not.
pub fn check_peer(stream: &UnixStream) -> Result<()> {
    let peer = stream.peer_cred().context("the system does not say whose the other end of the socket is")?.uid();
    match peer == geteuid().as_raw() {
        true => Ok(()),
        false => bail!("the other end of the engine's socket belongs to user {peer}; it is closed"),
    }
}

/// Makes a folder that only we can enter, or makes sure that it is one.
fn own_folder(folder: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("the folder for the engine's socket, {}, cannot be made", folder.display()));
        }
        _ => {}
    }
    let found = folder.symlink_metadata().with_context(|| format!("{} cannot be looked at", folder.display()))?;
    let wrong = match () {
        () if found.is_symlink() => "is a link",
        () if !found.is_dir() => "is no folder",
        () if found.uid() != geteuid().as_raw() => "belongs to somebody else",
        () if found.mode() & 0o077 != 0 => "is open to others",
        () => return Ok(()),
    };
    bail!("{} is for the engine's socket, and it {wrong}; remove it and start again", folder.display())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn wrong(folder: &Path) -> String {
        own_folder(folder).unwrap_err().to_string()
    }

    #[test]
    fn the_folder_is_made_for_us_alone_and_found_again() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("sockets");
        own_folder(&folder).unwrap();
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        own_folder(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_others_could_use_is_refused_with_its_fault() {
        let temp = tempfile::tempdir().unwrap();
        let (open, link, file) = (temp.path().join("open"), temp.path().join("link"), temp.path().join("file"));
        own_folder(&open).unwrap();
        std::os::unix::fs::symlink(&open, &link).unwrap();
        assert!(wrong(&link).contains("is a link"));
        fs::set_permissions(&open, Permissions::from_mode(0o750)).unwrap();
        assert!(wrong(&open).contains("is open to others"));
        fs::write(&file, "").unwrap();
        assert!(wrong(&file).contains("is no folder"));
    }

    #[test]
    fn a_workspace_has_one_socket_by_whichever_way_it_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let (here, there) = (temp.path().join("here"), temp.path().join("there"));
        fs::create_dir_all(here.join("x")).unwrap();
        std::os::unix::fs::symlink(&here, &there).unwrap();
        let socket = path(&here).unwrap();
        assert_eq!(path(&there).unwrap(), socket);
        assert_eq!(path(&here.join("x/..")).unwrap(), socket);
        assert_ne!(path(&here.join("x")).unwrap(), socket);
        assert!(socket.as_os_str().len() < 100);
    }

    #[tokio::test]
    async fn the_socket_of_a_dead_engine_is_no_engine_and_makes_way() {
        let temp = tempfile::tempdir().unwrap();
        assert!(dial(temp.path()).await.unwrap().is_none());
        let socket = path(temp.path()).unwrap();
        drop(listen(&socket).unwrap());
        assert!(socket.exists() && dial(temp.path()).await.unwrap().is_none());
        let listener = listen(&socket).unwrap();
        assert_eq!(socket.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(dial(temp.path()).await.unwrap().is_some());
        check_peer(&listener.accept().await.unwrap().0).unwrap();
        fs::remove_file(socket).unwrap();
    }

    #[tokio::test]
    async fn a_workspace_that_is_not_there_has_no_engine() {
        assert!(dial(Path::new("/nowhere/at/all")).await.unwrap().is_none());
    }
}
