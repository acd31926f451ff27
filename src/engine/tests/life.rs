//! How an engine begins and ends, and what it leaves to the next one.

use super::*;

#[tokio::test]
async fn a_stopped_engine_finishes_what_runs_and_keeps_what_waits() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Stop { now: false });
    viewer.say(prompts(&["three"]));
    viewer.run_is(3, State::Queued).await;
    engine.act(Act::Finish);
    let events = viewer.until(|event| *event == Event::Stopping).await;
    assert!(logged(&events, "3 waits for the next one") && logged(&events, "1 done"), "{events:?}");
    engine.ended().await;
    let next = Engine::start(&workspace);
    let mut viewer = next.viewer().await;
    next.act(Act::Finish);
    viewer.run_is(2, State::Done).await;
    next.act(Act::Finish);
    viewer.run_is(3, State::Done).await;
}

#[tokio::test]
async fn what_is_said_in_the_moment_of_the_end_is_heard() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let stopper = engine.viewer().await;
    let (read, write) = tokio::io::split(engine.stream(1 << 16).await);
    let (mut reader, mut writer) = (Reader::new(read), Writer::new(write));
    writer.send(encode(&Command::Hello { protocol: PROTOCOL, version: "late".into(), watches: false, viewer: 0 }).unwrap()).await.unwrap();
    stopper.say(Command::Stop { now: false });
    // Sent when the engine has already said its last word.
    while reader.next::<Event>().await.unwrap().is_some() {}
    writer.send(encode(&prompts(&["late"])).unwrap()).await.unwrap();
    drop((reader, writer));
    engine.ended().await;
    assert_eq!(Gallery::open(workspace.path()).unwrap().0.queue().unwrap().len(), 1);
}

#[tokio::test]
async fn a_viewer_is_greeted_though_the_queue_cannot_be_read() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    engine.viewer().await.settled().await;
    rusqlite::Connection::open(workspace.path().join("darkroom.db")).unwrap().execute_batch("ALTER TABLE runs RENAME TO gone").unwrap();
    let mut viewer = Viewer(over(engine.stream(1 << 16).await));
    viewer.until(|event| matches!(event, Event::Error { .. })).await;
    viewer.say(Command::Stop { now: false });
    viewer.until(|event| *event == Event::Stopping).await;
    engine.ended().await;
}

#[tokio::test]
async fn an_engine_that_must_stop_now_cancels_what_runs() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    viewer.run_is(1, State::Running).await;
    viewer.say(Command::Stop { now: true });
    viewer.settled().await;
    engine.act(Act::Step);
    viewer.run_is(1, State::Cancelled).await;
    viewer.until(|event| *event == Event::Stopping).await;
    engine.ended().await;
}

#[tokio::test]
async fn a_run_goes_on_in_the_next_engine_when_the_system_ends_this_one() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    engine.inputs.send(Input::Signal).await.unwrap_or_else(|_| panic!("it has ended"));
    viewer.settled().await;
    engine.act(Act::Step);
    assert_eq!(viewer.run_is(1, State::Queued).await.step, 2);
    engine.ended().await;
    let next = Engine::start(&workspace);
    let mut viewer = next.viewer().await;
    assert_eq!(next.begun.recv().unwrap(), ("one".into(), Some("2".into())));
    next.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
}

#[tokio::test]
async fn an_engine_with_nobody_to_serve_ends_by_itself() {
    let workspace = folder();
    let engine = Engine::start_with(&workspace, |server| server.patience = Duration::ZERO);
    engine.ended().await;
}

#[tokio::test]
async fn an_engine_that_nobody_watches_finishes_its_work_first() {
    let workspace = folder();
    Gallery::open(workspace.path()).unwrap().0.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    let engine = Engine::start_with(&workspace, |server| server.patience = Duration::ZERO);
    engine.act(Act::Step);
    engine.act(Act::Finish);
    engine.ended().await;
    assert_eq!(Gallery::open(workspace.path()).unwrap().0.run(RunId(1)).unwrap().unwrap().state, State::Done);
}

#[tokio::test]
async fn what_was_on_when_the_engine_died_and_what_waited_wait_to_be_asked() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one", "two", "three", "four"]));
    engine.act(Act::Step);
    viewer.until(|event| step(event) == Some(0)).await;
    engine.server.abort();
    let engine = Engine::start(&workspace);
    let mut viewer = Viewer(over(engine.stream(1 << 16).await));
    let held = "3 runs wait: the queue is held since the engine died; P lets it go on";
    let events = viewer.until(|event| matches!(event, Event::Log { text, .. } if text == held)).await;
    assert!(logged(&events, "1 waits: the engine died at step 1; Enter goes on"), "{events:?}");
    assert_eq!(events[1], Event::Held { held: true });
    viewer.say(Command::Resume { run: RunId(1) });
    let events = viewer.settled().await;
    assert!(events.contains(&Event::Order { runs: [1, 2, 3, 4].map(RunId).to_vec() }), "{events:?}");
    assert!(logged(&events, "1 waits: the queue is held; P lets it go on"), "{events:?}");
    viewer.say(Command::HoldQueue { held: false });
    viewer.run_is(1, State::Running).await;
    assert_eq!(engine.begun.recv().unwrap(), ("one".into(), Some("1".into())));
    engine.act(Act::Finish);
    viewer.run_is(2, State::Running).await;
}

#[tokio::test]
async fn a_run_that_was_alone_when_its_engine_died_goes_on_as_soon_as_it_is_asked() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(prompts(&["one"]));
    viewer.run_is(1, State::Running).await;
    engine.server.abort();
    let engine = Engine::start(&workspace);
    let mut viewer = Viewer(over(engine.stream(1 << 16).await));
    let events = viewer.until(|event| matches!(event, Event::Log { text, .. } if text.contains("1 waits"))).await;
    assert!(logged(&events, "1 waits: the engine died before its first step; Enter starts it"), "{events:?}");
    assert!(events.contains(&Event::Held { held: false }), "{events:?}");
    viewer.say(Command::Resume { run: RunId(1) });
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
}

#[tokio::test]
async fn a_second_engine_is_refused_and_the_first_goes_on() {
    let workspace = folder();
    let _lock = Lock::take(workspace.path(), &workspace.path().join("none")).unwrap();
    let lab = Maker { place: "nowhere".into(), make: || -> Puppet { panic!("no worker is wanted") } };
    let refused = serve(workspace.path(), vec![lab], pending(), || panic!("it is not ready")).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("an engine (process {}) already serves this workspace", std::process::id()));
}

#[tokio::test]
async fn an_engine_is_reached_over_its_socket_and_leaves_nothing_behind() {
    let workspace = folder();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let path = workspace.path().to_owned();
    let engine = tokio::spawn(async move {
        let (_acts, lab) = puppet(mpsc::channel().0);
        serve(&path, vec![lab], pending(), || ready.send(()).unwrap()).await
    });
    is_ready.await.unwrap();
    let socket = socket::path(workspace.path()).unwrap();
    let mut hostile = socket::dial(workspace.path()).await.unwrap().unwrap();
    hostile.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    hostile.read_to_end(&mut Vec::new()).await.unwrap();
    let mut out = Vec::new();
    crate::cli::status::status(workspace.path(), true, &mut out).await.unwrap();
    crate::cli::stop::stop(workspace.path(), false, &mut out).await.unwrap();
    engine.await.unwrap().unwrap();
    crate::cli::stop::stop(workspace.path(), false, &mut out).await.unwrap();
    let pid = std::process::id();
    let words = format!("{{\"pid\":{pid},\"held\":false,\"runs\":[]}}\nthe engine has ended\nno engine runs in this workspace\n");
    assert_eq!(String::from_utf8(out).unwrap(), words);
    assert!(!socket.exists() && lock::holder(workspace.path()).is_none());
}

#[tokio::test]
async fn a_fault_in_what_is_done_beside_the_engine_does_not_hold_up_the_queue() {
    let workspace = folder();
    Gallery::open(workspace.path()).unwrap().0.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    let engine = Engine::start_with(&workspace, |server| {
        server.entering = 1;
        // Of a viewer that has left: the answer must not reach one that has not been greeted.
        server.beside(|| panic!("{} broken pictures", 2), |submitted| Input::Submitted(9, submitted));
    });
    let mut viewer = engine.viewer().await;
    engine.act(Act::Finish);
    viewer.run_is(1, State::Done).await;
}

#[tokio::test]
async fn a_fault_is_told_to_whoever_asked_and_does_not_keep_the_engine() {
    let workspace = folder();
    let (panics, may_panic) = mpsc::channel::<()>();
    let engine = Engine::start_with(&workspace, |server| {
        server.patience = Duration::ZERO;
        server.asides = 1;
        let work = move || {
            may_panic.recv().unwrap();
            panic!("a broken picture")
        };
        // The first to come is viewer 1.
        server.beside(work, |answer| Input::Answered(1, answer));
    });
    let mut viewer = engine.viewer().await;
    panics.send(()).unwrap();
    let told = viewer.until(|event| matches!(event, Event::Error { .. })).await.pop();
    assert!(format!("{told:?}").contains("please report it: a broken picture"), "{told:?}");
    drop(viewer);
    engine.ended().await;
}

#[tokio::test]
async fn damage_in_a_large_index_that_nothing_has_met_is_told_by_the_next_engine() {
    let workspace = tempfile::tempdir().unwrap();
    drop(Gallery::open(workspace.path()).unwrap());
    let path = workspace.path().join("darkroom.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(20000000));").unwrap();
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'points'";
    let page: usize = connection.query_row(page, [], |row| row.get(0)).unwrap();
    drop(connection);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(page - 1) * 4096..][..4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();

    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.until(|event| matches!(event, Event::Log { text, .. } if text.contains("darkroom.db is damaged"))).await;
}

#[tokio::test]
async fn an_engine_that_cannot_find_out_what_the_last_one_left_does_not_start() {
    let workspace = folder();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    gallery.submit(&Grid::one(Recipe::parse("sample", &[]).unwrap())).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON settings BEGIN SELECT RAISE(FAIL, 'the disk is full'); END";
    rusqlite::Connection::open(workspace.path().join("darkroom.db")).unwrap().execute_batch(full).unwrap();
    let (_acts, lab) = puppet(mpsc::channel().0);
    let refused = serve(workspace.path(), vec![lab], pending(), || panic!("it is not ready")).await.unwrap_err();
    assert!(format!("{refused:#}").contains("the disk is full"), "{refused:#}");
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().state, State::Queued);
}

#[tokio::test]
async fn a_single_step_that_was_asked_for_before_the_engine_died_does_not_become_the_whole_run() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(Command::HoldQueue { held: true });
    viewer.say(prompts(&["one", "two"]));
    viewer.run_is(2, State::Queued).await;
    for run in [1, 2].map(RunId) {
        viewer.say(Command::Pause { run });
        viewer.say(Command::Advance { run });
    }
    // The second is to go on after all.
    viewer.say(Command::Pause { run: RunId(2) });
    viewer.say(Command::Resume { run: RunId(2) });
    viewer.settled().await;
    engine.server.abort();
    let engine = Engine::start(&workspace);
    let mut viewer = Viewer(over(engine.stream(1 << 16).await));
    let events = viewer.until(|event| matches!(event, Event::Queue { .. })).await;
    let Some(Event::Queue { runs }) = events.last() else { panic!("{events:?}") };
    let states: Vec<_> = runs.iter().map(|run| (run.id.0, run.state)).collect();
    assert_eq!(states, [(2, State::Queued), (1, State::Paused)]);
}
