//! The link against good, bad and hostile other sides.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::codec::{MAX_PACKET, Reader, Writer, decode, encode};
use super::*;
use crate::recipe::{Axis, Grid, Marks, Recipe, Run, RunId, State};
use proptest::{collection::vec, option, prelude::*};
use serde::Serialize;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex};

fn recipe() -> impl Strategy<Value = Recipe> {
    (any::<String>(), -100.0..100.0, any::<u32>()).prop_map(|(prompt, guidance, seed): (String, f64, u32)| {
        let pair = |field: &str, value: String| (field.to_owned(), value);
        let pairs = [pair("prompt", prompt), pair("guidance", guidance.to_string()), pair("seed", seed.to_string())];
        Recipe::parse("sample", &pairs).unwrap()
    })
}

fn id() -> impl Strategy<Value = RunId> {
    any::<i64>().prop_map(RunId)
}

prop_compose! {
    fn run()(id in id(), recipe in recipe(), step: u32, of: u32, created_ms: i64, took_ms: Option<u64>, error: Option<String>,
             grid in option::of(id())) -> Run {
        Run { id, recipe, state: State::Interrupted, step, of, created_ms, took_ms, error, grid, note: None, marks: Marks::default(), foreign: None }
    }
}

fn commands() -> impl Strategy<Value = Command> {
    let axes = vec((any::<String>(), vec(any::<String>(), 0..3)).prop_map(|(field, values)| Axis { field, values }), 0..3);
    prop_oneof![
        (any::<u32>(), any::<String>(), any::<u64>()).prop_map(|(protocol, version, viewer)| {
            let watches = viewer % 2 == 0;
            Command::Hello { protocol, version, watches, viewer }
        }),
        (axes, vec(recipe(), 0..3)).prop_map(|(axes, recipes)| Command::Submit { grid: Grid { axes, recipes } }),
        id().prop_map(|run| Command::Cancel { run }),
        id().prop_map(|run| Command::Resume { run }),
        Just(Command::CancelAll),
        any::<u32>().prop_map(|every_ms| Command::Ping { every_ms }),
        id().prop_map(|run| Command::NextFrame { run }),
        (any::<String>(), option::of(id()), any::<u32>()).prop_map(|(search, before, limit)| Command::History { search, before, limit }),
        (id(), any::<u32>(), any::<u32>()).prop_map(|(run, index, side)| Command::Picture { run, index, side }),
        any::<bool>().prop_map(|now| Command::Stop { now }),
        any::<String>().prop_map(|repository| Command::Pull { repository }),
        Just(Command::Models),
        Just(Command::StopPull),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let what = prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(index, t)| PictureOf::Frame { index, t }),
        (any::<u32>(), any::<u32>()).prop_map(|(index, side)| PictureOf::Kept { index, side }),
        (any::<u32>(), any::<u32>()).prop_map(|(index, side)| PictureOf::Missing { index, side }),
    ];
    let head = (id(), what, any::<u32>(), any::<u32>());
    prop_oneof![
        (any::<u32>(), any::<String>(), any::<u32>(), any::<i64>(), option::of(0.0..1e9), vec(any::<String>(), 0..3)).prop_map(
            |(protocol, version, pid, started_ms, pace_ms, places)| Event::Hello {
                protocol,
                version,
                pid,
                started_ms,
                pace_ms,
                places,
                workspace: "/w".into(),
                heard: Some(started_ms.unsigned_abs())
            }
        ),
        any::<String>().prop_map(|reason| Event::Refused { reason }),
        any::<String>().prop_map(|reason| Event::SentAway { reason }),
        any::<u64>().prop_map(|number| Event::Heard { number }),
        vec(run(), 0..3).prop_map(|runs| Event::Queue { runs }),
        run().prop_map(|run| Event::Run { run }),
        (id(), id()).prop_map(|(first, last)| Event::Submitted { first, last }),
        (id(), any::<u32>(), any::<u32>(), any::<u32>(), 0.0..1e9).prop_map(|(run, index, of, t, ms)| Event::Step {
            run,
            index,
            of,
            t,
            ms
        }),
        (any::<i64>(), any::<String>()).prop_map(|(time_ms, text)| Event::Log { time_ms, text }),
        (id(), any::<String>(), any::<u8>()).prop_map(|(run, model, percent)| {
            let phase = if percent > 100 { Phase::Prompts } else { Phase::TextEncoder(percent) };
            Event::Loading { run, loading: Loading { model, phase } }
        }),
        any::<String>().prop_map(|text| Event::Error { text }),
        (any::<String>(), vec(run(), 0..3), any::<u64>()).prop_map(|(search, runs, total)| Event::History { search, runs, total }),
        head.prop_map(|(run, what, width, height)| Event::Picture { head: PictureHead { run, what, width, height } }),
        vec(any::<u8>(), 0..100).prop_map(|bytes| Event::Chunk { bytes: Bytes(bytes) }),
        Just(Event::Stopping),
        vec(model(), 0..3).prop_map(|models| Event::Models { models }),
        pulling().prop_map(|pull| Event::Pulling { pull }),
        (any::<String>(), any::<String>()).prop_map(|(repository, text)| Event::Pulled { repository, end: PullEnd::Stopped, text }),
    ]
}

prop_compose! {
    fn model()(name: String, path: String, bytes: u64, side: Option<u32>, enlarges: bool, missing in vec(any::<String>(), 0..3)) -> Model {
        Model { name, home: Home::Cache, path, bytes, side, enlarges, missing }
    }
}

prop_compose! {
    fn pulling()(repository: String, file: String, at: u64, size: u64, number: u32, of: u32, bytes: u64, total: u64,
                 why in option::of(any::<String>())) -> Pulling {
        let doing = why.map_or(Doing::Fetches, Doing::Waits);
        Pulling { repository, file, at, size, number, of, bytes, total, doing }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_command_comes_back_from_its_bytes(command in commands()) {
        prop_assert_eq!(decode::<Command>(&encode(&command).unwrap()).unwrap(), command);
    }

    #[test]
    fn every_event_comes_back_from_its_bytes(event in events()) {
        prop_assert_eq!(decode::<Event>(&encode(&event).unwrap()).unwrap(), event);
    }

    #[test]
    fn a_damaged_message_is_an_error_or_another_message_and_never_a_panic(
        event in events(), place: proptest::sample::Index, byte: u8, cut: proptest::sample::Index,
    ) {
        let mut bytes = encode(&event).unwrap().to_vec();
        prop_assert!(decode::<Event>(&bytes[..cut.index(bytes.len())]).is_err());
        bytes[place.index(encode(&event).unwrap().len())] = byte;
        decode::<Event>(&bytes).ok();
        decode::<Command>(&bytes).ok();
    }

    // A message without fields may also be a number, which is up to nine bytes long.
    #[test]
    fn random_bytes_are_no_message(bytes in vec(any::<u8>(), 10..300)) {
        prop_assert!(decode::<Command>(&bytes).is_err());
        prop_assert!(decode::<Event>(&bytes).is_err());
    }
}

#[test]
fn fields_of_a_newer_version_are_passed_over() {
    #[derive(Serialize)]
    enum Newer {
        Cancel { why: &'static str, run: i64, tags: Vec<&'static str> },
    }
    let newer = encode(&Newer::Cancel { why: "late", run: 7, tags: vec!["a", "b"] }).unwrap();
    assert_eq!(decode::<Command>(&newer).unwrap(), Command::Cancel { run: RunId(7) });
}

#[test]
fn a_variant_of_a_newer_version_is_an_error() {
    #[derive(Serialize)]
    enum Newer {
        Dance { run: i64 },
    }
    let error = decode::<Command>(&encode(&Newer::Dance { run: 7 }).unwrap()).unwrap_err();
    assert!(format!("{error:#}").contains("Dance"), "{error:#}");
}

#[test]
fn a_message_with_something_behind_it_is_an_error() {
    let mut bytes = encode(&next_frame(1)).unwrap().to_vec();
    bytes.push(0xc0);
    assert!(decode::<Command>(&bytes).is_err());
}

#[test]
fn arrays_in_arrays_end_before_the_stack_does() {
    let submit = |recipe: &[u8]| [b"\x81\xa6Submit\x81\xa4grid\x82\xa4axes\x90\xa7recipes\x91\x81\xa6prompt", recipe].concat();
    assert!(decode::<Command>(&submit(&vec![0x91; 1 << 20])).is_err());
}

#[test]
fn the_largest_grid_fits_and_a_larger_one_is_told_how_large() {
    let recipe = |prompt: usize| Recipe::parse("sample", &[("prompt".into(), "p".repeat(prompt))]).unwrap();
    let grid = |prompt| Command::Submit { grid: Grid { axes: vec![], recipes: vec![recipe(prompt); crate::recipe::MAX_CELLS] } };
    assert!(encode(&grid(1000)).unwrap().len() <= MAX_PACKET);
    let error = encode(&grid(2000)).unwrap_err().to_string();
    assert!(error.contains("21 MiB, at most 16"), "{error}");
    let recipes = vec![recipe(0); crate::recipe::MAX_CELLS + 1];
    let read = || decode::<Command>(&encode(&Command::Submit { grid: Grid { axes: vec![], recipes: recipes.clone() } }).unwrap());
    assert!(format!("{:#}", read().unwrap_err()).contains("at most 10000 cells"));
}

#[tokio::test]
async fn a_message_that_comes_byte_by_byte_is_whole_in_the_end() {
    let (mut near, far) = duplex(1);
    let event = Event::Log { time_ms: 1, text: "142 begins".into() };
    let packet = encode(&event).unwrap();
    let bytes = [&(packet.len() as u32).to_be_bytes()[..], &packet].concat();
    let sender = tokio::spawn(async move {
        for byte in bytes {
            near.write_all(&[byte]).await.unwrap();
        }
    });
    let mut reader = Reader::new(far);
    assert_eq!(reader.next::<Event>().await.unwrap(), Some(event));
    sender.await.unwrap();
    assert_eq!(reader.next::<Event>().await.unwrap(), None);
}

/// An engine's end of a link, in the hands of a test.
struct Engine {
    reader: Reader<ReadHalf<DuplexStream>>,
    writer: Writer<WriteHalf<DuplexStream>>,
}

impl Engine {
    fn new() -> (Engine, Wire) {
        let (near, far) = duplex(1 << 20);
        let (read, write) = tokio::io::split(far);
        (Engine { reader: Reader::new(read), writer: Writer::new(write) }, over(near))
    }

    async fn hears(&mut self) -> Command {
        self.reader.next().await.unwrap().unwrap()
    }

    async fn says(&mut self, event: Event) {
        self.writer.send(encode(&event).unwrap()).await.unwrap();
    }

    async fn greets(&mut self) {
        assert!(matches!(self.hears().await, Command::Hello { protocol: PROTOCOL, .. }));
        self.says(hello(PROTOCOL)).await;
    }
}

fn hello(protocol: u32) -> Event {
    Event::Hello {
        protocol,
        version: "0".into(),
        pid: 1,
        started_ms: 0,
        pace_ms: None,
        places: vec![],
        workspace: String::new(),
        heard: None,
    }
}

fn next_frame(run: i64) -> Command {
    Command::NextFrame { run: RunId(run) }
}

async fn lost(wire: &mut Wire) -> String {
    loop {
        match wire.news.recv().await.unwrap() {
            News::Lost { reason } => return reason,
            _ => continue,
        }
    }
}

#[tokio::test]
async fn commands_wait_for_the_greeting_and_keep_their_order() {
    let (mut engine, mut wire) = Engine::new();
    let cancel = |run| Command::Cancel { run: RunId(run) };
    for command in [cancel(1), next_frame(1), cancel(2), next_frame(2)] {
        wire.commands.send(command).unwrap();
    }
    engine.greets().await;
    assert_eq!(wire.news.recv().await, Some(News::Event(hello(PROTOCOL))));
    assert_eq!(engine.hears().await, cancel(1));
    assert_eq!(engine.hears().await, next_frame(1));
    assert_eq!(engine.hears().await, cancel(2));
}

#[tokio::test]
async fn a_viewer_that_leaves_has_everything_heard_first() {
    let (mut engine, Wire { commands, mut news, .. }) = Engine::new();
    commands.send(Command::Cancel { run: RunId(1) }).unwrap();
    drop(commands);
    engine.greets().await;
    assert_eq!(engine.hears().await, Command::Cancel { run: RunId(1) });
    assert_eq!(news.recv().await, Some(News::Event(hello(PROTOCOL))));
    assert!(news.try_recv().is_err(), "it waits");
    engine.says(Event::Heard { number: 1 }).await;
    assert_eq!(news.recv().await, None);
    assert_eq!(engine.reader.next::<Command>().await.unwrap(), None);
}

#[tokio::test]
async fn the_end_of_an_engine_is_told_in_a_sentence() {
    let (mut engine, mut wire) = Engine::new();
    engine.says(Event::Refused { reason: "no".into() }).await;
    assert_eq!(lost(&mut wire).await, "no");

    let (mut engine, mut wire) = Engine::new();
    engine.says(hello(PROTOCOL + 1)).await;
    assert!(lost(&mut wire).await.contains(&format!("version {}", PROTOCOL + 1)));

    let (mut engine, mut wire) = Engine::new();
    engine.greets().await;
    engine.says(Event::Stopping).await;
    drop(engine);
    assert_eq!(lost(&mut wire).await, "the engine was stopped");

    let (mut engine, mut wire) = Engine::new();
    engine.greets().await;
    drop(engine);
    assert_eq!(lost(&mut wire).await, "the connection to the engine broke");
}

#[tokio::test]
async fn where_silence_is_an_end_both_sides_say_that_they_are_there() {
    use super::talk::{End, Us, converse, greet};
    let every = Duration::from_millis(100);
    let (near, far) = duplex(1 << 16);
    let (read, write) = tokio::io::split(far);
    let mut engine = (Reader::new(read), Writer::new(write));
    let (wire, mut commands, news) = Wire::new();
    let outgoing = wire.outgoing.clone();
    let conversation = tokio::spawn(async move {
        let greeted = greet(near, Us { viewer: 7, watches: false, every: Some(every) }, None).await.ok().unwrap();
        converse(greeted, &outgoing, &mut commands, &news).await
    });
    let ping = Some(Command::Ping { every_ms: 100 });
    assert!(matches!(engine.0.next().await.unwrap(), Some(Command::Hello { viewer: 7, .. })));
    engine.1.send(encode(&hello(PROTOCOL)).unwrap()).await.unwrap();
    for _ in 0..5 {
        assert_eq!(engine.0.next::<Command>().await.unwrap(), ping);
        engine.1.send(encode(&Event::Ping).unwrap()).await.unwrap();
    }
    // It goes on listening, and says nothing any more.
    while engine.0.next::<Command>().await.unwrap() == ping {}
    assert_eq!(conversation.await.unwrap(), End::Mute);
}

#[tokio::test]
async fn one_that_is_sent_away_may_come_again() {
    let (mut engine, mut wire) = Engine::new();
    engine.greets().await;
    engine.says(Event::SentAway { reason: "too slow".into() }).await;
    assert_eq!(lost(&mut wire).await, "too slow");
}

#[tokio::test]
async fn bytes_that_are_no_event_end_the_conversation() {
    let oversized = [&(MAX_PACKET as u32 + 1).to_be_bytes()[..], b"x"].concat();
    let truncated = [&100u32.to_be_bytes()[..], b"x"].concat();
    let random = [&3u32.to_be_bytes()[..], b"\xc1\xff\x07"].concat();
    for (bytes, word) in [(oversized, "larger than 16 MiB"), (truncated, "middle of a packet"), (random, "cannot be understood")] {
        let (mut near, far) = duplex(1 << 16);
        let mut wire = over(far);
        let packet = encode(&hello(PROTOCOL)).unwrap();
        near.write_all(&[&(packet.len() as u32).to_be_bytes()[..], &packet, &bytes].concat()).await.unwrap();
        near.shutdown().await.unwrap();
        let reason = lost(&mut wire).await;
        assert!(reason.contains(word), "{reason}");
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
    }
}

#[tokio::test]
async fn a_picture_arrives_whole_among_the_facts_and_a_hostile_one_not_at_all() {
    let (mut engine, mut wire) = Engine::new();
    engine.greets().await;
    wire.news.recv().await.unwrap();
    let head = |width, height| PictureHead { run: RunId(1), what: PictureOf::Frame { index: 0, t: 990 }, width, height };
    let fact = Event::Error { text: "a fact between".into() };
    engine.says(Event::Picture { head: head(2, 1) }).await;
    engine.says(Event::Chunk { bytes: Bytes(vec![1, 2, 3]) }).await;
    engine.says(fact.clone()).await;
    engine.says(Event::Chunk { bytes: Bytes(vec![4, 5, 6]) }).await;
    assert_eq!(wire.news.recv().await, Some(News::Event(fact)));
    assert_eq!(wire.news.recv().await, Some(News::Picture(Picture { head: head(2, 1), rgb: [1, 2, 3, 4, 5, 6].into() })));
    engine.says(Event::Picture { head: head(u32::MAX, u32::MAX) }).await;
    assert!(lost(&mut wire).await.contains("4294967295 by 4294967295 pixels"));
}

#[tokio::test]
async fn a_command_that_is_too_large_is_told_and_the_next_one_goes_out() {
    let (mut engine, mut wire) = Engine::new();
    engine.greets().await;
    wire.news.recv().await.unwrap();
    let search = "x".repeat(MAX_PACKET);
    wire.commands.send(Command::History { search, before: None, limit: 1 }).unwrap();
    wire.commands.send(next_frame(1)).unwrap();
    assert_eq!(engine.hears().await, next_frame(1));
    assert!(matches!(wire.news.recv().await, Some(News::Event(Event::Error { text })) if text.contains("too large")));
}

#[test]
fn a_frame_travels_in_little_more_than_its_pixels() {
    let head = PictureHead { run: RunId(142), what: PictureOf::Frame { index: 33, t: 990 }, width: 64, height: 64 };
    let picture = Picture { head, rgb: vec![7; 64 * 64 * 3].into() };
    let bytes: usize = picture::Sending::new(picture).map(|event| encode(&event).unwrap().len() + 4).sum();
    assert!(bytes < 64 * 64 * 3 + 128, "{bytes} bytes");
}
