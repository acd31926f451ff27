//! The gallery over the link: what is found, marked, deleted, and how runs belong together.

use super::*;
use crate::recipe::{Bond, Mark, Relative};

/// A workspace in which these prompts are finished.
fn finished(prompts: &[String]) -> TempDir {
    let workspace = folder();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    for prompt in prompts {
        finish(&gallery, &[("prompt", prompt)]);
    }
    workspace
}

fn finish(gallery: &Gallery, fields: &[(&str, &str)]) {
    let fields = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
    let grid = Ask { experiment: "sample".into(), fields }.expand().unwrap();
    for run in gallery.submit(&grid).unwrap() {
        gallery.take_next().unwrap().unwrap();
        gallery.save(run.id, &made(), &[RgbImage::from_pixel(600, 300, image::Rgb([run.id.0 as u8; 3]))], 5).unwrap();
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn find(ticket: u32, filter: &str, from: u64, limit: u32) -> Command {
    Command::Find { ticket, filter: filter.into(), utc_offset_s: 0, from, limit }
}

impl Viewer {
    /// What is found: the ticket, the runs, how many in all.
    async fn found(&mut self) -> (u32, Vec<i64>, u64) {
        match self.until(|event| matches!(event, Event::Found { .. })).await.pop() {
            Some(Event::Found { ticket, runs, total, .. }) => (ticket, runs.iter().map(|run| run.id.0).collect(), total),
            other => panic!("{other:?}"),
        }
    }

    async fn failed(&mut self) -> (u32, String) {
        match self.until(|event| matches!(event, Event::Failed { .. })).await.pop() {
            Some(Event::Failed { ticket, text }) => (ticket, text),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_filter_finds_pages_and_one_that_cannot_be_understood_says_why() {
    let workspace = finished(&words(&["a red three", "a blue three", "a red four"]));
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(find(7, "red since:today", 0, 9));
    assert_eq!(viewer.found().await, (7, vec![3, 1], 2));
    viewer.say(find(8, "", 1, 1));
    assert_eq!(viewer.found().await, (8, vec![2], 3));
    viewer.say(find(9, "", u64::MAX, u32::MAX));
    assert_eq!(viewer.found().await, (9, vec![], 3));
    viewer.say(find(10, "guidance:>lots", 0, 9));
    let (ticket, text) = viewer.failed().await;
    assert!(ticket == 10 && text.contains("guidance"), "{text}");
    viewer.say(Command::Find { ticket: 11, filter: "since:today".into(), utc_offset_s: i32::MIN, from: 0, limit: 1 });
    viewer.until(|event| matches!(event, Event::Found { ticket: 11, .. } | Event::Failed { ticket: 11, .. })).await;
}

#[tokio::test]
async fn of_searches_that_have_not_begun_only_the_newest_is_answered() {
    let workspace = finished(&words(&["one"]));
    // A search of the first viewer to come is at work.
    let engine = Engine::start_with(&workspace, |server| server.browsing.search_of(1));
    let (mut viewer, mut other) = (engine.viewer().await, engine.viewer().await);
    (1..=20).for_each(|ticket| viewer.say(find(ticket, "o", 0, 9)));
    viewer.settled().await;
    other.say(find(99, "", 0, 9));
    assert_eq!(other.found().await.0, 99, "another's searches are nothing to it");
    let over = encode(&Event::Failed { ticket: 0, text: String::new() });
    engine.inputs.send(Input::Found(1, over)).await.unwrap_or_else(|_| panic!("it has ended"));
    assert_eq!(viewer.failed().await.0, 0);
    assert_eq!(viewer.found().await, (20, vec![1], 1));
    viewer.say(find(21, "", 0, 9));
    assert_eq!(viewer.found().await.0, 21);
}

#[tokio::test]
async fn a_page_that_fits_into_no_packet_is_cut() {
    let long: Vec<String> = (0..6).map(|at| format!("{at} {}", "long ".repeat(700_000))).collect();
    let workspace = finished(&long);
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(find(1, "long", 0, 6));
    assert_eq!(viewer.found().await, (1, vec![6, 5, 4], 6));
    viewer.say(find(2, "long", 3, 6));
    assert_eq!(viewer.found().await, (2, vec![3, 2, 1], 6));
}

#[tokio::test]
async fn marks_are_made_in_the_order_in_which_they_are_said_and_every_viewer_sees_them() {
    let workspace = finished(&words(&["one", "two"]));
    let engine = Engine::start(&workspace);
    let (mut viewer, mut other) = (engine.viewer().await, engine.viewer().await);
    let runs = vec![RunId(1), RunId(2)];
    for turn in 0..10 {
        viewer.say(Command::Mark { runs: runs.clone(), mark: Mark::Star(turn % 2 == 1) });
        viewer.say(Command::Mark { runs: runs.clone(), mark: Mark::Rate(turn % 6) });
    }
    viewer.say(Command::Mark { runs: vec![RunId(2), RunId(9), RunId(1)], mark: Mark::Tag("both".into()) });
    let marked = |event: &Event| matches!(event, Event::Run { run } if run.marks.tags == ["both"]);
    for viewer in [&mut viewer, &mut other] {
        let Some(Event::Run { run }) = viewer.until(marked).await.pop() else { panic!("no run") };
        assert_eq!((run.id, run.marks.star, run.marks.rating), (RunId(2), true, 3));
    }
    let Some(Event::Error { text }) = viewer.until(|event| matches!(event, Event::Error { .. })).await.pop() else { panic!("no error") };
    assert_eq!(text, "there is no run 9");
    viewer.say(find(1, "is:starred rating:3 #both", 0, 9));
    assert_eq!(viewer.found().await.1, [2], "what comes after one that is not there is not marked");
}

#[tokio::test]
async fn what_is_deleted_is_gone_for_every_viewer_and_comes_back() {
    let workspace = finished(&words(&["one", "two"]));
    let engine = Engine::start(&workspace);
    let (mut viewer, mut other) = (engine.viewer().await, engine.viewer().await);
    viewer.say(prompts(&["three"]));
    viewer.run_is(3, State::Running).await;
    let refused = viewer.error(Command::Delete { runs: vec![RunId(1), RunId(3)] }).await;
    assert_eq!(refused, "run 3 is running; cancel it before you delete it");
    viewer.say(Command::Delete { runs: vec![RunId(2), RunId(1)] });
    let gone = Event::Gone { runs: vec![RunId(2), RunId(1)] };
    other.until(|event| *event == gone).await;
    viewer.say(find(1, "", 0, 9));
    assert_eq!(viewer.found().await.1, [] as [i64; 0]);
    viewer.say(Command::Restore { runs: vec![RunId(1)] });
    other.run_is(1, State::Done).await;
    assert_eq!(viewer.error(Command::Restore { runs: vec![RunId(1)] }).await, "run 1 is not in the trash");
    let many = Command::Delete { runs: vec![RunId(1); 10_001] };
    assert_eq!(viewer.error(many).await, "up to 10000 runs are changed at once, these are 10001");
    engine.act(Act::Finish);
    viewer.run_is(3, State::Done).await;
}

#[tokio::test]
async fn a_paused_run_that_is_deleted_comes_back_in_its_place() {
    let workspace = folder();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    let Command::Submit { grid } = prompts(&["one", "two"]) else { panic!("no grid") };
    gallery.submit(&grid).unwrap();
    gallery.set_state(RunId(1), State::Paused, None).unwrap();
    gallery.hold_queue(true).unwrap();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(Command::Delete { runs: vec![RunId(1)] });
    viewer.until(|event| matches!(event, Event::Gone { .. })).await;
    viewer.say(Command::Restore { runs: vec![RunId(1)] });
    let events = viewer.until(|event| matches!(event, Event::Order { .. })).await;
    assert!(events.iter().any(|event| matches!(event, Event::Run { run } if run.state == State::Paused)), "{events:?}");
    assert_eq!(events.last(), Some(&Event::Order { runs: vec![RunId(1), RunId(2)] }));
}

#[tokio::test]
async fn relatives_and_sweeps_are_told_or_why_not() {
    let workspace = folder();
    let gallery = Gallery::open(workspace.path()).unwrap().0;
    finish(&gallery, &[("seed", "1,2"), ("guidance", "3,5")]);
    let image = ("image".to_owned(), "run:1".to_owned());
    let edit = Recipe::parse("edit", &[image, ("start".into(), "5".into())]).unwrap();
    gallery.submit(&Grid::one(edit)).unwrap();
    gallery.set_state(RunId(5), State::Paused, None).unwrap();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    viewer.say(Command::Kin { ticket: 1, run: RunId(1) });
    let Some(Event::Kin { ticket: 1, run, kin }) = viewer.until(|event| matches!(event, Event::Kin { .. })).await.pop() else { panic!() };
    assert_eq!((run, kin.made), (RunId(1), vec![Relative { run: RunId(5), how: Bond::Picture(1) }]));
    viewer.say(Command::Table { ticket: 2, run: RunId(3) });
    let Some(Event::Table { ticket: 2, table }) = viewer.until(|event| matches!(event, Event::Table { .. })).await.pop() else { panic!() };
    assert_eq!((table.first, table.axes.len(), table.cells.len()), (RunId(1), 2, 4));
    viewer.say(Command::Table { ticket: 3, run: RunId(5) });
    assert_eq!(viewer.failed().await, (3, "5 is no cell of a sweep".into()));
}

#[tokio::test]
async fn a_small_picture_comes_from_its_thumbnail_and_a_large_one_as_it_is() {
    let workspace = finished(&words(&["one"]));
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    for (side, size) in [(200, (200, 100)), (256, (256, 128)), (400, (400, 200)), (9000, (600, 300)), (0, (1, 1))] {
        viewer.say(Command::Picture { run: RunId(1), index: 0, side });
        let head = viewer.picture().await.head;
        assert_eq!((head.what, head.width, head.height), (PictureOf::Kept { index: 0, side }, size.0, size.1));
    }
    assert!(workspace.path().join("thumbs").is_dir());
}

#[tokio::test]
async fn a_change_that_was_said_before_the_end_is_made() {
    let workspace = finished(&words(&["one"]));
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    (0..20).for_each(|at| viewer.say(Command::Mark { runs: vec![RunId(1)], mark: Mark::Tag(format!("t{at}")) }));
    viewer.say(Command::Stop { now: true });
    viewer.until(|event| *event == Event::Stopping).await;
    drop(viewer);
    engine.ended().await;
    let run = Gallery::open(workspace.path()).unwrap().0.run(RunId(1)).unwrap().unwrap();
    assert_eq!(run.marks.tags.len(), 20);
}
