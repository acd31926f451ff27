//! What viewers see, and what they cannot do to one another.

use super::*;
use tokio::io::{ReadHalf, WriteHalf};

#[tokio::test]
async fn every_viewer_is_told_of_a_run_from_its_queueing_to_its_end() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut first, mut second) = (engine.viewer().await, engine.viewer().await);
    first.say(prompts(&["a red three"]));
    for _ in 0..3 {
        engine.act(Act::Step);
    }
    engine.act(Act::Finish);
    for viewer in [&mut first, &mut second] {
        let events = viewer.until(|event| matches!(event, Event::Run { run } if run.state == State::Done)).await;
        let states: Vec<_> =
            events.iter().filter_map(|event| if let Event::Run { run } = event { Some(run.state) } else { None }).collect();
        assert_eq!(states, [State::Queued, State::Running, State::Done]);
        assert_eq!(events.iter().filter_map(step).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(logged(&events, "1 begins") && logged(&events, "1 done in"));
    }
    first.say(Command::History { search: "red".into(), before: None, limit: 10 });
    let answer = first.until(|event| matches!(event, Event::History { .. })).await;
    assert!(matches!(answer.last(), Some(Event::History { runs, total: 1, .. }) if runs[0].id == RunId(1)));
}

#[tokio::test]
async fn a_viewer_that_comes_later_sees_how_things_stand() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut first = engine.viewer().await;
    first.say(prompts(&["one", "two"]));
    engine.act(Act::Step);
    engine.act(Act::Step);
    first.until(|event| step(event) == Some(1)).await;
    let mut late = Viewer(over(engine.stream(1 << 16).await));
    let events = late.until(|event| matches!(event, Event::Log { text, .. } if text.contains("1 begins"))).await;
    let Event::Queue { runs } = &events[2] else { panic!("{events:?}") };
    assert_eq!(
        runs.iter().map(|run| (run.state, run.step, run.of)).collect::<Vec<_>>(),
        [(State::Running, 2, 1000), (State::Queued, 0, 0)]
    );
    engine.act(Act::Step);
    late.until(|event| step(event) == Some(2)).await;
}

#[tokio::test]
async fn a_viewer_that_asks_once_gets_one_frame_of_a_hundred_steps() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    viewer.say(next_frame(1));
    viewer.settled().await;
    for _ in 0..100 {
        engine.act(Act::Step);
    }
    let frame = viewer.picture().await;
    assert_eq!((frame.head.what, frame.rgb.len()), (PictureOf::Frame { index: 0, t: 1000 }, 100 * 80 * 3));
    engine.act(Act::Finish);
    loop {
        match viewer.news().await {
            News::Event(Event::Run { run }) if run.state == State::Done => break,
            News::Picture(more) => panic!("a second frame: {:?}", more.head),
            _ => continue,
        }
    }
}

#[tokio::test]
async fn each_viewer_is_sent_the_frames_that_it_asks_for() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut quick, mut slow) = (engine.viewer().await, engine.viewer().await);
    quick.say(prompts(&["one"]));
    slow.say(next_frame(1));
    slow.settled().await;
    for index in 0..5 {
        quick.say(next_frame(1));
        quick.settled().await;
        engine.act(Act::Step);
        assert_eq!(quick.picture().await.head.what, PictureOf::Frame { index, t: 1000 - index });
    }
    assert_eq!(slow.picture().await.head.what, PictureOf::Frame { index: 0, t: 1000 });
    slow.say(next_frame(1));
    slow.settled().await;
    engine.act(Act::Step);
    assert_eq!(slow.picture().await.head.what, PictureOf::Frame { index: 5, t: 995 });
}

#[tokio::test]
async fn a_kept_picture_is_fetched_and_one_that_is_not_there_is_missing() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
    viewer.say(Command::Picture { run: RunId(1), index: 0, side: 4 });
    let picture = viewer.picture().await;
    assert_eq!((picture.head.what, picture.rgb.len()), (PictureOf::Kept { index: 0, side: 4 }, 4 * 4 * 3));
    for (run, index) in [(RunId(1), 1), (RunId(7), 0), (RunId(-1), u32::MAX)] {
        viewer.say(Command::Picture { run, index, side: 0 });
        assert_eq!(viewer.picture().await.head.what, PictureOf::Missing { index, side: 0 });
    }
}

#[tokio::test]
async fn a_viewer_that_never_reads_holds_nobody_up() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let deaf = engine.stream(64).await;
    let (read, write) = tokio::io::split(deaf);
    let mut deaf = Writer::new(write);
    deaf.send(encode(&Command::Hello { protocol: PROTOCOL, version: "deaf".into(), watches: false, viewer: 0 }).unwrap()).await.unwrap();
    deaf.send(encode(&next_frame(1)).unwrap()).await.unwrap();
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    for _ in 0..500 {
        engine.act(Act::Step);
    }
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
    viewer.say(Command::Stop { now: false });
    viewer.until(|event| *event == Event::Stopping).await;
    // What it was told is all there for the one that reads after all: nothing was left out.
    let mut late = Reader::new(read);
    let mut steps = Vec::new();
    while let Some(event) = late.next::<Event>().await.unwrap() {
        steps.extend(step(&event));
    }
    assert_eq!(steps, (0..500).collect::<Vec<_>>());
    engine.ended().await;
}

#[tokio::test]
async fn bytes_that_are_no_command_close_their_connection_and_no_other() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    let framed = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let said = |command: &Command| framed(&encode(command).unwrap());
    let oversized = [&(MAX_PACKET as u32 + 1).to_be_bytes()[..], b"x"].concat();
    let other = said(&Command::Hello { protocol: PROTOCOL + 1, version: "9".into(), watches: false, viewer: 0 });
    let elsewhere = format!("version {PROTOCOL} of the link, this program {}", PROTOCOL + 1);
    let unknown =
        [said(&Command::Hello { protocol: PROTOCOL, version: "9".into(), watches: false, viewer: 0 }), framed(b"\x81\xa5Dance\x80")]
            .concat();
    let cases = [
        (oversized, "larger than 16 MiB"),
        (framed(b"\xc1\xff\x07"), "cannot be understood"),
        (said(&next_frame(1)), "say Hello first"),
        (other, elsewhere.as_str()),
        (unknown, "Dance"),
    ];
    for (bytes, word) in cases {
        let mut stream = engine.stream(1 << 16).await;
        stream.write_all(&bytes).await.unwrap();
        let mut reader = Reader::new(stream);
        let mut last = None;
        while let Some(event) = reader.next::<Event>().await.unwrap() {
            last = Some(event);
        }
        assert!(matches!(&last, Some(Event::Refused { reason }) if reason.contains(word)), "{last:?} without '{word}'");
    }
    let mut cut = engine.stream(1 << 16).await;
    cut.write_all(&framed(&[0; 100])[..50]).await.unwrap();
    cut.shutdown().await.unwrap();
    cut.read_to_end(&mut Vec::new()).await.unwrap();
    viewer.settled().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_done_is_answered_with_the_reason() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    viewer.run_is(1, State::Running).await;
    let (cancel, resume) = (|run| Command::Cancel { run: RunId(run) }, |run| Command::Resume { run: RunId(run) });
    assert_eq!(viewer.error(cancel(9)).await, "there is no run 9");
    assert_eq!(viewer.error(resume(9)).await, "there is no run 9");
    assert_eq!(viewer.error(resume(1)).await, "1 is running and needs no start");
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
    assert_eq!(viewer.error(cancel(1)).await, "1 is done and cannot be cancelled");
    assert!(viewer.error(Command::Submit { grid: Grid { axes: vec![], recipes: vec![] } }).await.contains("1 to 10000"));
}

#[tokio::test]
async fn a_viewer_hears_how_far_the_model_of_a_run_is_and_can_cancel_the_run_meanwhile() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two"]));
    let loads = |id, percent| {
        let loading = Loading { model: "puppet".into(), phase: Phase::Network(percent) };
        Event::Loading { run: RunId(id), loading }
    };
    engine.act(Act::Loads(12));
    viewer.until(|event| *event == loads(1, 12)).await;
    viewer.say(Command::Cancel { run: RunId(1) });
    viewer.settled().await;
    engine.act(Act::Loads(13));
    viewer.run_is(1, State::Cancelled).await;
    engine.act(Act::Loads(99));
    viewer.until(|event| *event == loads(2, 99)).await;
    let mut late = engine.viewer().await;
    late.until(|event| *event == loads(2, 99)).await;
    engine.act(Act::Finish);
    viewer.run_is(2, State::Done).await;
}

/// A connection of a viewer with a number, and the engine's greeting.
async fn numbered(engine: &Engine, viewer: u64) -> (Reader<ReadHalf<DuplexStream>>, Writer<WriteHalf<DuplexStream>>, Option<u64>) {
    let (read, write) = tokio::io::split(engine.stream(1 << 16).await);
    let (mut reader, mut writer) = (Reader::new(read), Writer::new(write));
    writer.send(encode(&Command::Hello { protocol: PROTOCOL, version: "9".into(), watches: false, viewer }).unwrap()).await.unwrap();
    let Some(Event::Hello { heard, .. }) = reader.next().await.unwrap() else { panic!("no greeting") };
    (reader, writer, heard)
}

async fn hears(reader: &mut Reader<ReadHalf<DuplexStream>>, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = reader.next::<Event>().await.unwrap().unwrap();
        if wanted(&event) {
            return event;
        }
    }
}

#[tokio::test]
async fn a_viewer_that_comes_again_is_told_what_was_heard_of_it_by_this_engine() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let (mut reader, mut writer, heard) = numbered(&engine, 42).await;
    assert_eq!(heard, None);
    for command in [prompts(&["one"]), next_frame(1), Command::Cancel { run: RunId(9) }] {
        writer.send(encode(&command).unwrap()).await.unwrap();
    }
    for number in [1, 2] {
        assert_eq!(hears(&mut reader, |event| matches!(event, Event::Heard { .. })).await, Event::Heard { number });
    }
    let (mut again, mut writer_again, heard) = numbered(&engine, 42).await;
    assert_eq!(heard, Some(2));
    // What still comes over the old connection counts no more.
    hears(&mut reader, |event| matches!(event, Event::SentAway { .. })).await;
    writer.send(encode(&prompts(&["late"])).unwrap()).await.ok();
    writer_again.send(encode(&prompts(&["two"])).unwrap()).await.unwrap();
    assert_eq!(hears(&mut again, |event| matches!(event, Event::Heard { .. })).await, Event::Heard { number: 3 });
    assert_eq!(numbered(&engine, 43).await.2, None);
    let mut viewer = engine.viewer().await;
    engine.act(Act::Finish);
    engine.act(Act::Finish);
    viewer.run_is(2, State::Done).await;
    assert_eq!(Gallery::open(workspace.path()).unwrap().0.run(RunId(3)).unwrap(), None);
    let next = Engine::start(&folder());
    assert_eq!(numbered(&next, 42).await.2, None);
}

#[tokio::test]
async fn a_viewer_that_neither_speaks_nor_leaves_does_not_keep_the_engine() {
    let workspace = folder();
    let engine = Engine::start_with(&workspace, |server| server.patience = Duration::from_secs(2));
    let (mut reader, mut writer, _) = numbered(&engine, 42).await;
    writer.send(encode(&Command::Ping { every_ms: 100 }).unwrap()).await.unwrap();
    hears(&mut reader, |event| *event == Event::Ping).await;
    // One that says that it will be silent may be, until it is heard again.
    writer.send(encode(&Command::Ping { every_ms: 0 }).unwrap()).await.unwrap();
    for _ in 0..5 {
        hears(&mut reader, |event| *event == Event::Ping).await;
    }
    writer.send(encode(&Command::Ping { every_ms: 100 }).unwrap()).await.unwrap();
    hears(&mut reader, |event| matches!(event, Event::SentAway { .. })).await;
    engine.ended().await;
    drop(writer);
}
