//! A viewer that only watches.

use super::*;
use crate::link::Bytes;
use crate::recipe::{Colour, Export, Fit, Layer, Mark};
use tokio::io::{ReadHalf, WriteHalf};

/// A viewer that speaks for itself.
struct Onlooker {
    reader: Reader<ReadHalf<DuplexStream>>,
    writer: Writer<WriteHalf<DuplexStream>>,
}

impl Onlooker {
    async fn of(engine: &Engine) -> Onlooker {
        let (read, write) = tokio::io::split(engine.stream(1 << 16).await);
        let mut onlooker = Onlooker { reader: Reader::new(read), writer: Writer::new(write) };
        onlooker.say(&Command::Hello { protocol: PROTOCOL, version: "9".into(), watches: true, viewer: 0 }).await;
        onlooker.until(|event| matches!(event, Event::Queue { .. })).await;
        onlooker
    }

    async fn say(&mut self, command: &Command) {
        self.writer.send(encode(command).unwrap()).await.unwrap();
    }

    async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.reader.next::<Event>().await.unwrap().unwrap();
            if wanted(&event) {
                return event;
            }
        }
    }
}

/// A command of every kind, those that change something and those that do not.
fn every_command() -> Vec<Command> {
    let (run, runs, ticket) = (RunId(1), vec![RunId(1)], 7);
    let drawing = Command::Keep { ticket, name: "mask".into(), width: 1, height: 1, rgb: Bytes(vec![0; 3]) };
    let look = Command::Look { ticket, image: None, model: "tiny-if".into(), fit: Fit::Crop, background: Colour([0; 3]) };
    let mut all = vec![prompts(&["mine"]), drawing, look, next_frame(1), Command::CancelAll, Command::Models, Command::StopPull];
    all.extend([Command::Cancel { run }, Command::Resume { run }, Command::Pause { run }, Command::Finish { run }]);
    all.extend([Command::Advance { run }, Command::Note { run, text: "mine".into() }, Command::Export { run, what: Export::Sheet }]);
    all.extend([Command::Delete { runs: runs.clone() }, Command::Restore { runs: runs.clone() }]);
    all.extend([Command::Mark { runs, mark: Mark::Star(true) }, Command::Move { run, to: Turn::Last }]);
    all.extend([Command::HoldQueue { held: true }, Command::Stop { now: true }, Command::Pull { repository: "a/b".into() }]);
    all.extend([Command::Kin { ticket, run }, Command::Table { ticket, run }, Command::Curve { run, after: 0 }]);
    all.push(Command::Find { ticket, filter: String::new(), utc_offset_s: 0, from: 0, limit: 9 });
    all.extend([Command::Picture { run, index: 0, side: 8 }, Command::Inspect { ticket, run, index: 0, layer: Layer::Clean }]);
    all
}

#[tokio::test]
async fn it_sees_everything_and_every_change_is_refused() {
    let workspace = folder();
    let engine = Engine::start(&workspace);
    let mut viewer = engine.viewer().await;
    let mut onlooker = Onlooker::of(&engine).await;
    viewer.say(prompts(&["one", "two"]));
    viewer.run_is(1, State::Running).await;
    let (changes, others): (Vec<_>, Vec<_>) = every_command().into_iter().partition(Command::changes);
    assert_eq!((changes.len(), others.len()), (18, 9), "a new command belongs here too");
    for command in changes {
        onlooker.say(&command).await;
        let told = onlooker.until(|event| matches!(event, Event::Error { .. } | Event::Failed { .. })).await;
        assert_eq!(told, Event::Error { text: "this terminal only watches".into() }, "{command:?}");
    }
    // It cannot think better of it either.
    onlooker.say(&Command::Hello { protocol: PROTOCOL, version: "9".into(), watches: false, viewer: 0 }).await;
    onlooker.say(&Command::CancelAll).await;
    onlooker.until(|event| matches!(event, Event::Error { .. })).await;
    onlooker.say(&next_frame(1)).await;
    onlooker.say(&Command::History { search: String::new(), before: None, limit: 1 }).await;
    onlooker.until(|event| matches!(event, Event::History { .. })).await;
    engine.act(Act::Step);
    onlooker.until(|event| matches!(event, Event::Picture { .. })).await;
    engine.act(Act::Finish);
    engine.act(Act::Finish);
    let told = viewer.until(|event| matches!(event, Event::Run { run } if run.id == RunId(2) && run.state == State::Done)).await;
    assert!(!told.iter().any(|event| matches!(event, Event::Held { .. } | Event::Gone { .. } | Event::Stopping)), "{told:?}");
    assert_eq!(Gallery::open(workspace.path()).unwrap().0.run(RunId(1)).unwrap().unwrap().note, None);
}

#[tokio::test]
async fn an_engine_ends_idle_once_it_has_left_as_with_any_other_viewer() {
    let workspace = folder();
    let engine = Engine::start_with(&workspace, |server| server.patience = Duration::ZERO);
    let onlooker = Onlooker::of(&engine).await;
    drop(onlooker);
    engine.ended().await;
}
