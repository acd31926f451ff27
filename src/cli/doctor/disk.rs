//! Which file system a folder is on, and how much room it has.

use std::fs;
use std::path::{Path, PathBuf};

/// The nearest folder on the way to `path` that is there.
pub(super) fn standing(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|folder| folder.exists()).map(Path::to_owned)
}

/// Bytes that this user can still write there; none of what is no disk.
pub(super) fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok().filter(|disk| disk.f_blocks > 0)?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// The file system's name, as in `ext4` or `nfs4`; none where the system does not say.
pub(super) fn file_system(folder: &Path) -> Option<String> {
    // More telling than the number that statfs gives, which is the same for all that a user's own programs mount.
    named(&fs::read_to_string("/proc/self/mountinfo").ok()?, &fs::canonicalize(folder).ok()?)
}

/// The one whose mount point is nearest; of several at one place the last covers the others.
fn named(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(mount).filter(|(point, _)| folder.starts_with(point));
    mounts.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind.to_owned())
}

/// A line of `mountinfo`: the mount point is the fifth word, the kind the first after a dash.
fn mount(line: &str) -> Option<(PathBuf, &str)> {
    let (place, kind) = line.split_once(" - ")?;
    // A space in a name is written as a number.
    let point = place.split(' ').nth(4)?.replace("\\040", " ");
    Some((PathBuf::from(point), kind.split(' ').next()?))
}

/// Whether other machines may have the same files open.
pub(super) fn is_network(kind: &str) -> bool {
    const NETWORKS: &[&str] =
        &["nfs", "cifs", "smb", "9p", "ceph", "lustre", "gpfs", "beegfs", "afs", "glusterfs", "pvfs", "orangefs", "virtiofs"];
    let kind = kind.strip_prefix("fuse.").unwrap_or(kind);
    kind.contains("sshfs") || NETWORKS.iter().any(|network| kind.starts_with(network))
}

/// Whether what is written there is gone after a restart.
pub(super) fn is_memory(kind: &str) -> bool {
    ["tmpfs", "ramfs"].contains(&kind)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /tmp rw - tmpfs tmpfs rw,size=8g
31 22 0:50 / /home rw shared:2 master:3 - nfs4 server:/home rw,vers=4.2
32 31 0:51 / /home/ada/my\\040box rw - fuse.sshfs ada@box:/ rw
33 22 0:60 / /cover rw - ext4 /dev/vdb rw
34 22 0:61 / /cover rw - xfs /dev/vdc rw
no mount at all
";

    #[test]
    fn a_folder_is_on_the_file_system_that_is_mounted_nearest_to_it() {
        let places = ["/srv/x", "/tmp", "/home/ada/.local", "/home/ada/my box/w", "/homework", "/cover/x"];
        let kinds = places.map(|place| named(MOUNTS, Path::new(place)).unwrap());
        assert_eq!(kinds, ["ext4", "tmpfs", "nfs4", "fuse.sshfs", "ext4", "xfs"]);
        assert_eq!(named("", Path::new("/")), None);
        assert_eq!(kinds.map(|kind| is_network(&kind)), [false, false, true, true, false, false]);
        assert!(is_memory("tmpfs") && !is_memory("ext4"));
    }

    #[test]
    fn a_folder_that_is_not_made_yet_stands_where_its_parent_does() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(standing(&temp.path().join("a/b/c")).unwrap(), temp.path());
        assert!(free(temp.path()).unwrap() > 0);
        assert_eq!([temp.path().join("a"), PathBuf::from("/proc")].map(|folder| free(&folder)), [None, None]);
    }
}
