//! Models from the hub, which is played by a server on this machine.
#![allow(clippy::unwrap_used)]

use darkroom::model::hub::{Ask, Hub, Progress, Pulled, pull};
use darkroom::model::{Folder, models_dir};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const COMMIT: &str = "c03d510e9b75bce9f9db5bb85148c1402ad7e694";
const UNET: &str = "unet/diffusion_pytorch_model.fp16.safetensors";
const SECRET: &str = "hf_secret";

/// What the hub has, what it does wrong, and what it was asked for.
#[derive(Default)]
struct Lab {
    files: BTreeMap<String, Vec<u8>>,
    /// Names in the listing that are no files.
    more: Vec<String>,
    /// A status and the hub's word for it, in place of every file.
    refusal: Option<(u16, &'static str)>,
    /// Whether the listing is refused too.
    hidden: bool,
    /// After how many bytes large files break off, one answer after the other.
    cuts: Vec<usize>,
    /// What is sent in place of a large file.
    sent: Option<Vec<u8>>,
    /// What is said to be the size of files that end so.
    size: Option<(&'static str, String)>,
    /// What large files are answered with, whatever was asked for: a status and headers.
    instead: Option<(u16, &'static str)>,
    asked: Vec<String>,
}

/// A request, as far as it matters.
struct Request {
    method: String,
    path: String,
    range: Option<usize>,
    token: bool,
}

impl Request {
    fn read(connection: &mut TcpStream) -> Option<Request> {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).ok()?;
            text.push(byte[0]);
        }
        let text = String::from_utf8(text).ok()?;
        let mut words = text.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let header = |name: &str| text.lines().find_map(|line| line.to_lowercase().strip_prefix(name).map(str::to_owned));
        let range = header("range: bytes=").map(|range| range.trim_end_matches('-').parse().unwrap());
        assert!(path.starts_with("/api/models") || header("accept-encoding: identity").is_some(), "{text}");
        Some(Request { method, path, range, token: header("authorization: bearer ").is_some() })
    }
}

impl Lab {
    /// The answer to a request: all of it, and after how many bytes of the body to hang up.
    fn answer(&mut self, request: &Request, port: u16) -> (String, Vec<u8>, usize) {
        let range = request.range.map(|range| format!(" from {range}")).unwrap_or_default();
        self.asked.push(format!("{} {}{range}{}", request.method, request.path, if request.token { " with a token" } else { "" }));
        let (head, body) = self.respond(request, port);
        let cut = if request.path.starts_with("/cdn/") && !self.cuts.is_empty() { self.cuts.remove(0) } else { usize::MAX };
        let length = if head.contains("content-length") { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        (format!("HTTP/1.1 {head}{length}connection: close\r\n\r\n"), if request.method == "HEAD" { Vec::new() } else { body }, cut)
    }

    fn respond(&self, request: &Request, port: u16) -> (String, Vec<u8>) {
        let path = request.path.split('?').next().unwrap();
        if let Some((status, code)) = self.refusal.filter(|_| self.hidden || !path.starts_with("/api/models")) {
            return (format!("{status} No\r\nx-error-code: {code}\r\n"), b"no".to_vec());
        }
        if path.starts_with("/api/models/lab/tiny/revision/") {
            let names = self.files.keys().chain(&self.more);
            let siblings: Vec<_> = names.map(|name| serde_json::json!({ "rfilename": name })).collect();
            let listing = serde_json::json!({ "sha": COMMIT, "siblings": siblings, "gated": "auto" });
            return ("200 OK\r\n".to_owned(), listing.to_string().into_bytes());
        }
        let at_hub = path.strip_prefix(&format!("/lab/tiny/resolve/{COMMIT}/"));
        let name = at_hub.or(path.strip_prefix("/small/")).or(path.strip_prefix("/cdn/")).unwrap();
        let content = &self.files[name];
        let lie = self.size.as_ref().filter(|(ending, _)| name.ends_with(ending)).map(|(_, size)| size.clone());
        let (size, hash) = (lie.unwrap_or(content.len().to_string()), hash(content));
        match at_hub {
            // Another name of the same machine is another server to a client that has a token.
            Some(_) if name.ends_with(".safetensors") => (
                format!(
                    "302 Found\r\nlocation: http://localhost:{port}/cdn/{name}\r\nx-repo-commit: {COMMIT}\r\netag: \"pointer\"\r\n\
                     x-linked-etag: \"{hash}\"\r\nx-linked-size: {size}\r\n"
                ),
                b"elsewhere".to_vec(),
            ),
            Some(_) => (format!("307 Elsewhere\r\nlocation: /small/{name}\r\nx-repo-commit: {COMMIT}\r\n"), b"elsewhere".to_vec()),
            None if path.starts_with("/small/") => {
                (format!("200 OK\r\netag: W/\"{}\"\r\nx-repo-commit: {COMMIT}\r\ncontent-length: {size}\r\n", &hash[..40]), content.clone())
            }
            None => self.large(self.sent.as_ref().unwrap_or(content), request.range),
        }
    }

    fn large(&self, content: &[u8], range: Option<usize>) -> (String, Vec<u8>) {
        match (self.instead, range) {
            (Some((status, headers)), _) => (format!("{status} So\r\n{headers}"), content.to_vec()),
            (None, Some(at)) if at < content.len() => {
                let of = content.len();
                (format!("206 Partial Content\r\ncontent-range: bytes {at}-{}/{of}\r\n", of - 1), content[at..].to_vec())
            }
            (None, Some(_)) => ("416 Range Not Satisfiable\r\n".to_owned(), Vec::new()),
            (None, None) => ("200 OK\r\n".to_owned(), content.to_vec()),
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hub with a model in it, and a cache.
struct Bench {
    lab: Arc<Mutex<Lab>>,
    home: TempDir,
    port: u16,
}

impl Bench {
    /// The embedded model as it would be published, beside what nobody needs.
    fn new() -> Bench {
        let mut files = BTreeMap::new();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/tiny-if");
        for (from, to) in [
            ("model_index.json", "model_index.json"),
            ("scheduler/scheduler_config.json", "scheduler/scheduler_config.json"),
            ("tokenizer/tokenizer.json", "tokenizer/tokenizer.json"),
            ("unet/config.json", "unet/config.json"),
            ("unet/diffusion_pytorch_model.safetensors", UNET),
            ("text_encoder/config.json", "text_encoder/config.json"),
            ("text_encoder/model.safetensors", "text_encoder/model.fp16-00001-of-00001.safetensors"),
        ] {
            files.insert(to.to_owned(), fs::read(model.join(from)).unwrap());
        }
        for unneeded in
            ["README.md", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors", "watermarker/config.json"]
        {
            files.insert(unneeded.to_owned(), b"not needed".to_vec());
        }
        Bench::with(files)
    }

    fn with(files: BTreeMap<String, Vec<u8>>) -> Bench {
        let lab = Arc::new(Mutex::new(Lab { files, ..Lab::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hub = lab.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let Some(request) = Request::read(&mut connection) else { continue };
                let (head, body, cut) = hub.lock().unwrap().answer(&request, port);
                let _ = connection.write_all(head.as_bytes());
                let _ = connection.write_all(&body[..cut.min(body.len())]);
            }
        });
        Bench { lab, home: tempfile::tempdir().unwrap(), port }
    }

    fn set(&self, change: impl FnOnce(&mut Lab)) -> &Bench {
        change(&mut self.lab.lock().unwrap());
        self
    }

    fn hub(&self) -> Hub {
        let cache = self.home.path().join("hub");
        Hub { endpoint: format!("http://127.0.0.1:{}", self.port), cache, token: Some(SECRET.to_owned()), pause: Duration::ZERO }
    }

    fn ask() -> Ask {
        Ask { id: "lab/tiny".parse().unwrap(), revision: "main".to_owned(), text_encoder: true }
    }

    fn pull(&self) -> anyhow::Result<Pulled> {
        pull(&self.hub(), &Bench::ask(), &mut |_| Ok(()))
    }

    fn refused(&self) -> String {
        let words = format!("{:#}", self.pull().unwrap_err());
        assert!(!words.contains(SECRET) && !words.contains('\n') && words.len() < 500, "{words}");
        words
    }

    /// What was asked for of the large file of the UNet since the last time.
    fn ranges(&self) -> Vec<String> {
        let asked: Vec<String> = std::mem::take(&mut self.lab.lock().unwrap().asked);
        let large = format!("GET /cdn/{UNET}");
        asked.into_iter().filter_map(|line| line.strip_prefix(&large).map(|range| range.trim().to_owned())).collect()
    }

    fn repository(&self) -> PathBuf {
        self.home.path().join("hub/models--lab--tiny")
    }

    fn snapshot(&self) -> PathBuf {
        self.repository().join("snapshots").join(COMMIT)
    }

    fn content(&self, name: &str) -> Vec<u8> {
        self.lab.lock().unwrap().files[name].clone()
    }

    /// What has arrived of the UNet's file.
    fn part(&self) -> PathBuf {
        self.repository().join("blobs").join(format!("{}.part", hash(&self.content(UNET))))
    }

    /// Leaves the part that an earlier pull would have left.
    fn leave(&self, bytes: &[u8]) {
        fs::create_dir_all(self.repository().join("blobs")).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    fn is_whole(&self) -> bool {
        fs::read(self.snapshot().join(UNET)).is_ok_and(|bytes| bytes == self.content(UNET)) && !self.part().exists()
    }

    /// The program, in an environment of its own.
    fn run(&self, args: &[&str]) -> Output {
        let home = self.home.path();
        let mut program = Command::new(env!("CARGO_BIN_EXE_darkroom"));
        for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "XDG_CACHE_HOME"]
        {
            program.env_remove(name);
        }
        program.args(args).arg("--workspace").arg(home.join("workspace"));
        program.env("HOME", home).env("XDG_DATA_HOME", home.join("data")).env("HF_HOME", home).env("HF_TOKEN", SECRET);
        program.env("HF_ENDPOINT", format!("http://127.0.0.1:{}/", self.port)).output().unwrap()
    }
}

#[test]
fn what_a_model_needs_is_pulled_once_and_nothing_else() {
    let bench = Bench::new();
    let pulled = bench.pull().unwrap();
    assert_eq!((pulled.files, pulled.fetched, &pulled.folder), (7, 7, &bench.snapshot()));
    for file in ["model_index.json", "tokenizer/tokenizer.json", UNET, "text_encoder/model.fp16-00001-of-00001.safetensors"] {
        let there = bench.snapshot().join(file);
        assert!(fs::read(&there).unwrap() == bench.content(file), "{file}");
        let link = fs::read_link(&there).unwrap();
        assert!(link.starts_with("../../") && link.is_relative(), "{}: as huggingface_hub links", link.display());
    }
    assert_eq!(fs::read_to_string(bench.repository().join("refs/main")).unwrap(), COMMIT);
    assert!(!bench.snapshot().join("README.md").exists() && !bench.snapshot().join("watermarker").exists());
    assert!(!bench.snapshot().join("unet/diffusion_pytorch_model.safetensors").exists());

    let asked = std::mem::take(&mut bench.lab.lock().unwrap().asked);
    let leaked: Vec<_> = asked.iter().filter(|line| line.contains("/cdn/") && line.contains("token")).collect();
    assert!(leaked.is_empty(), "{leaked:?}: the token is the hub's alone");
    assert!(asked.iter().filter(|line| !line.contains("/cdn/")).all(|line| line.contains("token")), "{asked:?}");

    let again = bench.pull().unwrap();
    assert_eq!((again.files, again.fetched), (7, 0));
    let asked = std::mem::take(&mut bench.lab.lock().unwrap().asked);
    let gets: Vec<_> = asked.iter().filter(|line| line.starts_with("GET")).collect();
    assert_eq!(gets, ["GET /api/models/lab/tiny/revision/main with a token"]);
}

#[test]
fn without_the_text_encoder_it_is_less_and_the_rest_can_come_later() {
    let bench = Bench::new();
    let less = pull(&bench.hub(), &Ask { text_encoder: false, ..Bench::ask() }, &mut |_| Ok(())).unwrap();
    assert_eq!(Folder::Dir(less.folder).missing(), ["text encoder", "tokenizer"]);
    let whole = bench.pull().unwrap();
    assert_eq!(whole.fetched, 3);
    assert!(Folder::Dir(whole.folder).missing().is_empty());
}

#[test]
fn a_connection_that_breaks_off_is_made_again_for_the_rest() {
    let bench = Bench::new();
    // The text encoder's file comes first.
    bench.set(|lab| lab.cuts = vec![usize::MAX, 5000, 70_000]);
    let mut breaks = 0;
    let mut tell = |progress: Progress| {
        breaks += usize::from(matches!(progress, Progress::BrokeOff(_)));
        Ok(())
    };
    pull(&bench.hub(), &Bench::ask(), &mut tell).unwrap();
    assert_eq!(bench.ranges(), ["", "from 5000", "from 75000"]);
    assert_eq!(breaks, 2);
    assert!(bench.is_whole());
}

#[test]
fn a_pull_that_gets_no_further_ends_and_the_next_goes_on() {
    let bench = Bench::new();
    bench.set(|lab| lab.cuts = vec![usize::MAX, 5000, 0, 0, 0, 10, 10]);
    let words = bench.refused();
    assert!(words.contains("5 tries") && words.contains("what has arrived is kept: pull again"), "{words}");
    assert_eq!(bench.ranges(), ["", "from 5000", "from 5000", "from 5000", "from 5000"]);
    assert_eq!(fs::read(bench.part()).unwrap(), bench.content(UNET)[..5010], "the last try brought ten bytes");
    assert!(!bench.snapshot().join(UNET).exists());
    bench.set(|lab| lab.cuts.clear()).pull().unwrap();
    assert_eq!(bench.ranges(), ["from 5010"]);
    assert!(bench.is_whole());
}

#[test]
fn who_is_told_may_break_a_pull_off_and_the_next_goes_on_there() {
    let bench = Bench::new();
    let mut chosen = (0, 0);
    let mut tell = |progress: Progress| {
        match progress {
            Progress::Chosen(files, bytes) => chosen = (files, bytes),
            Progress::At(at) if at > 1 << 20 => anyhow::bail!("enough"),
            _ => {}
        }
        Ok(())
    };
    assert_eq!(pull(&bench.hub(), &Bench::ask(), &mut tell).unwrap_err().to_string(), "enough");
    assert!(chosen.0 == 7 && chosen.1 > 7_000_000, "{chosen:?}");
    let part = fs::metadata(bench.part()).unwrap().len();
    assert!(part > 1 << 20 && part < bench.content(UNET).len() as u64);
    bench.ranges();
    bench.pull().unwrap();
    assert_eq!(bench.ranges(), [format!("from {part}")]);
    assert!(bench.is_whole());
}

#[test]
fn what_arrives_counts_as_getting_further() {
    let bench = Bench::new();
    // Seven megabytes, one at a time: more breaks than tries.
    bench.set(|lab| lab.cuts = std::iter::once(usize::MAX).chain([1 << 20; 6]).collect()).pull().unwrap();
    assert_eq!(bench.ranges().len(), 7);
    assert!(bench.is_whole());
}

#[test]
fn a_server_that_ignores_ranges_sends_the_file_anew() {
    let bench = Bench::new();
    bench.leave(b"not even the beginning");
    bench.set(|lab| lab.instead = Some((200, ""))).pull().unwrap();
    assert_eq!(bench.ranges(), ["from 22"]);
    assert!(bench.is_whole());
}

#[test]
fn a_part_that_is_too_long_is_begun_anew_and_a_whole_one_is_only_checked() {
    let bench = Bench::new();
    bench.leave(&[bench.content(UNET), b"more".to_vec()].concat());
    bench.pull().unwrap();
    assert_eq!(bench.ranges(), [""]);
    assert!(bench.is_whole());
    let other = Bench::new();
    other.leave(&other.content(UNET));
    other.pull().unwrap();
    assert!(other.ranges().is_empty() && other.is_whole());
}

#[test]
fn a_file_that_was_not_published_so_is_removed() {
    let bench = Bench::new();
    let mut bent = bench.content(UNET);
    bent[1000] ^= 1;
    bench.leave(&bent);
    let words = bench.refused();
    assert!(words.contains(UNET) && words.contains("SHA-256") && words.contains("pull again"), "{words}");
    assert!(!bench.part().exists() && !bench.snapshot().join(UNET).exists());
    assert!(!bench.repository().join("refs/main").exists(), "what is not whole has no name");
    bench.pull().unwrap();
    assert!(bench.is_whole());
}

#[test]
fn a_file_that_was_cut_short_in_the_cache_is_fetched_anew() {
    let bench = Bench::new();
    bench.pull().unwrap();
    fs::write(bench.snapshot().join(UNET), b"cut short").unwrap();
    bench.ranges();
    assert_eq!(bench.pull().unwrap().fetched, 1);
    assert_eq!(bench.ranges(), [""]);
    assert!(bench.is_whole());
}

#[test]
fn servers_that_lie_are_found_out() {
    let too_long = [Bench::new().content(UNET), b"more".to_vec()].concat();
    let lie = |change: &dyn Fn(&mut Lab)| Bench::new().set(change).refused();
    let words = lie(&|lab| {
        lab.files.retain(|name, _| !name.starts_with("text_encoder"));
        lab.sent = Some(too_long.clone());
    });
    assert!(words.contains("more of unet/") && words.contains("pull again"), "{words}");
    let size = |ending, size: &str| lie(&|lab| lab.size = Some((ending, size.to_owned())));
    assert!(size("config.json", "1000000000").contains("which cannot be"), "no config has a gigabyte");
    for wrong in ["many", "-1", "99999999999999999999999", ""] {
        let words = size(".safetensors", wrong);
        assert!(words.contains(&format!("'{wrong}' is no size")), "{words}");
    }
    let other = |status, headers| lie(&move |lab| lab.instead = Some((status, headers)));
    assert!(other(206, "content-range: bytes 7-9/10\r\n").contains("another piece of it"));
    assert!(other(206, "").contains("another piece of it"));
    assert!(other(416, "").contains("ends before the"));
    assert!(other(200, "content-encoding: br\r\n").contains("is sent compressed (br)"));
    assert!(other(418, "").contains("answers with status 418"));
    assert!(other(503, "").contains("5 tries (status 503)"));
    assert!(other(200, "content-encoding: gzip\r\n").contains("5 tries"), "what is no gzip is not taken for one");
}

#[test]
fn what_no_disk_has_room_for_is_refused_before_anything_is_fetched() {
    let bench = Bench::new();
    for size in [u64::MAX, 1 << 60] {
        let words = bench.set(|lab| lab.size = Some((".safetensors", size.to_string()))).refused();
        assert!(words.starts_with("lab/tiny takes ") && words.contains("free some space, or set HF_HOME"), "{words}");
    }
    assert!(bench.ranges().is_empty() && !bench.repository().exists());
}

#[test]
fn who_may_not_have_a_model_is_told_what_to_do() {
    let bench = Bench::new();
    let refused = |status, code, token: Option<&str>, hidden| {
        bench.set(|lab| (lab.refusal, lab.hidden) = (Some((status, code)), hidden));
        let hub = Hub { token: token.map(str::to_owned), ..bench.hub() };
        let words = format!("{:#}", pull(&hub, &Bench::ask(), &mut |_| Ok(())).unwrap_err());
        assert!(!words.contains(SECRET), "{words}");
        words
    };
    let page = format!("http://127.0.0.1:{}/lab/tiny", bench.port);
    for (status, code) in [(401, "GatedRepo"), (401, ""), (403, "GatedRepo"), (403, "")] {
        let words = refused(status, code, None, false);
        assert!(
            words.starts_with(&format!("lab/tiny is gated: accept its licence at {page} while logged in, then set HF_TOKEN")),
            "{words}"
        );
    }
    for (status, code) in [(403, "GatedRepo"), (403, ""), (401, "GatedRepo")] {
        let words = refused(status, code, Some(SECRET), false);
        assert!(words.starts_with("lab/tiny is gated, and the account of your token is not let in") && words.contains(&page), "{words}");
    }
    assert!(refused(401, "", Some(SECRET), true).contains("does not take your token for lab/tiny: set HF_TOKEN to a new one"));
    assert!(refused(401, "RepoNotFound", None, true).contains("there is no lab/tiny at http://127.0.0.1"));
    assert!(refused(404, "RepoNotFound", Some(SECRET), true).contains("there is no repository lab/tiny at"));
    assert!(refused(404, "", None, true).contains("there is no repository lab/tiny at"));
    assert!(refused(404, "RevisionNotFound", None, true).contains("lab/tiny has no revision 'main'"));
    assert!(refused(429, "", None, true).contains("asks for patience"));
    assert!(refused(502, "", None, true).contains("is in trouble (502)"));
    assert!(!bench.repository().exists(), "nothing was begun");
}

#[test]
fn a_hub_that_is_not_there_is_named() {
    let bench = Bench::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let why = |endpoint: String| format!("{:#}", pull(&Hub { endpoint, ..bench.hub() }, &Bench::ask(), &mut |_| Ok(())).unwrap_err());
    let words = why(format!("http://{nobody}"));
    assert!(words.contains(&format!("http://{nobody} cannot be reached")) && words.contains("see to the network"), "{words}");
    assert!(why("not an address".to_owned()).contains("HF_ENDPOINT"));
    let token = Some("two\nlines".to_owned());
    let words = format!("{:#}", pull(&Hub { token, ..bench.hub() }, &Bench::ask(), &mut |_| Ok(())).unwrap_err());
    assert!(words.contains("HF_TOKEN") && !words.contains("lines"), "{words}");
}

#[test]
fn a_listing_with_names_that_lead_elsewhere_is_refused() {
    for name in ["../evil", "/etc/evil", "unet/../../../evil", &"long/".repeat(1000), "unet/\u{1b}[2J"] {
        let bench = Bench::new();
        let words = bench.set(|lab| lab.more = vec![name.to_owned()]).refused();
        assert!(words.contains("which no repository has") && !words.contains('\u{1b}'), "{words}");
        assert!(!bench.home.path().join("hub").exists(), "nothing was begun");
    }
}

#[test]
fn weights_that_are_pickles_are_refused_with_the_reason() {
    let bench = Bench::new();
    bench.set(|lab| lab.files.retain(|name, _| !name.starts_with("unet/") || !name.ends_with(".safetensors")));
    let words = bench.refused();
    assert!(words.contains("lab/tiny cannot be used: unet has only .bin weights, which can run code"), "{words}");
}

#[test]
fn two_pulls_do_not_write_one_file() {
    let bench = Bench::new();
    bench.leave(b"");
    let other = fs::File::options().append(true).open(bench.part()).unwrap();
    other.try_lock().unwrap();
    assert!(bench.refused().contains("is being pulled by another process"));
    drop(other);
    bench.pull().unwrap();
    assert!(bench.is_whole());
}

#[test]
fn a_model_is_found_by_its_repositorys_name() {
    let bench = Bench::new();
    let cache = bench.hub().cache;
    let find = |name: &str| Folder::find_in(name, models_dir().as_deref(), Some(&cache));
    let words = find("lab/tiny").unwrap_err().to_string();
    assert!(words.contains("`darkroom model pull lab/tiny`"), "{words}");
    assert!(!find("/lab/tiny").unwrap_err().to_string().contains("pull"));
    bench.pull().unwrap();
    let folder = find("lab/tiny").unwrap();
    assert_eq!(folder, Folder::Dir(bench.snapshot()));
    assert_eq!(folder.name(), "tiny");
    assert_eq!(folder.repository().unwrap().to_string(), "lab/tiny");
    assert_eq!(Folder::Dir(bench.home.path().to_owned()).repository(), None);
}

#[test]
fn shards_need_no_index_and_an_index_without_its_shards_is_passed_over() {
    let bench = Bench::new();
    bench.pull().unwrap();
    let folder = Folder::Dir(bench.snapshot());
    let shard = "text_encoder/model.fp16-00001-of-00001.safetensors";
    assert_eq!(folder.weight_files("text_encoder", "model").unwrap(), [shard]);
    let index = bench.snapshot().join("text_encoder/model.safetensors.index.json");
    fs::write(&index, r#"{"weight_map": {"shared.weight": "model-00001-of-00001.safetensors"}}"#).unwrap();
    assert_eq!(folder.weight_files("text_encoder", "model").unwrap(), [shard], "another program may have left it");
    fs::remove_file(bench.snapshot().join(shard)).unwrap();
    assert_eq!(folder.weight_files("text_encoder", "model").unwrap(), ["text_encoder/model-00001-of-00001.safetensors"]);
    assert_eq!(folder.missing(), ["text encoder"]);
}

#[test]
fn the_program_pulls_lists_and_draws_with_a_model_by_its_name() {
    let bench = Bench::new();
    let words = |output: &Output| [&output.stdout[..], &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let sample = ["run", "sample", "--model", "lab/tiny", "--steps", "2", "--prompt", "a red three"];
    let unknown = bench.run(&sample);
    assert!(!unknown.status.success() && words(&unknown).contains("`darkroom model pull lab/tiny`"), "{}", words(&unknown));

    let pulled = bench.run(&["model", "pull", "lab/tiny", "--no-text-encoder"]);
    assert!(pulled.status.success(), "{}", words(&pulled));
    assert!(words(&pulled).contains("4 files") && words(&pulled).contains("without text encoder, tokenizer"), "{}", words(&pulled));
    assert!(words(&bench.run(&["model", "list"])).contains("lacks text encoder, tokenizer"));
    let pulled = words(&bench.run(&["model", "pull", "lab/tiny"]));
    assert!(pulled.contains(&format!("{UNET}  7.0 MB, was there\n")) && pulled.contains("7 files, 7.7 MB, 3 of them new; in "), "{pulled}");
    let listed = words(&bench.run(&["model", "list"]));
    assert!(listed.contains("lab/tiny  7.7 MB  whole  "), "{listed}");

    let drawn = bench.run(&sample);
    assert!(drawn.status.success(), "{}", words(&drawn));
    let kept = recipe(&bench.home.path().join("workspace"));
    assert!(kept.contains("model = \"lab/tiny\""), "{kept}");
    let wrong = bench.run(&["model", "pull", "../tiny"]);
    assert!(!wrong.status.success() && words(&wrong).contains("write owner/name"), "{}", words(&wrong));
}

/// The only recipe that is kept under a folder.
fn recipe(folder: &Path) -> String {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let here = entries.iter().find(|path| path.ends_with("recipe.toml")).map(|path| fs::read_to_string(path).unwrap());
    here.unwrap_or_else(|| entries.iter().filter(|path| path.is_dir()).map(|path| recipe(path)).collect())
}
