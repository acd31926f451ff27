//! One of every message on the link.

use darkroom::link::{Bytes, Command, Doing, Event, Home, Loading, Model, PROTOCOL, Phase, PictureHead, PictureOf, PullEnd, Pulling, Turn};
use darkroom::recipe::{
    Axis, Bond, Cell, Colour, Export, Fit, Foreign, Grid, Kin, Layer, LayerNumbers, Mark, Marks, Numbers, Point, Recipe, Relative, Run,
    RunId, State, Table,
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;

const RUN: RunId = RunId(7);

/// The recipe that an experiment's form begins with; of stage II, which is not built in, with a model.
pub fn recipe(experiment: &str) -> Recipe {
    let model = ("model".to_owned(), "DeepFloyd/IF-II-L-v1.0".to_owned());
    let fields: &[_] = if experiment == "upscale" { &[model] } else { &[] };
    Recipe::parse(experiment, fields).unwrap()
}

pub fn run() -> Run {
    let foreign = Foreign { program: "A1111".into(), file: "a.png".into(), model: None, size: (64, 48), unmapped: vec!["x: y".into()] };
    let marks = Marks { star: true, rating: 3, tags: vec!["fox".into()] };
    Run {
        id: RUN,
        recipe: recipe("sample"),
        state: State::Done,
        step: 3,
        of: 4,
        created_ms: 1_700_000_000_000,
        took_ms: Some(12),
        error: Some("it broke".into()),
        grid: Some(RUN),
        note: Some("sharp".into()),
        marks,
        foreign: Some(Box::new(foreign)),
    }
}

fn grid() -> Grid {
    Grid { axes: vec![axis()], recipes: vec![recipe("sample"), recipe("anagram"), recipe("train-time")] }
}

fn axis() -> Axis {
    Axis { field: "seed".into(), values: vec!["1".into(), "2".into()] }
}

pub fn hello() -> Event {
    let (version, workspace) = ("0.1.0".into(), "/home/a/darkroom".into());
    Event::Hello {
        protocol: PROTOCOL,
        version,
        pid: 1,
        started_ms: 2,
        pace_ms: Some(3.5),
        places: vec!["cpu f32".into()],
        workspace,
        heard: Some(4),
    }
}

pub fn commands() -> Vec<Command> {
    use Command::*;
    let (run, runs, ticket) = (RUN, vec![RUN, RunId(-1)], 5);
    vec![
        Hello { protocol: PROTOCOL, version: "0.1.0".into(), watches: true, viewer: 9 },
        Ping { every_ms: 3000 },
        Submit { grid: grid() },
        Cancel { run },
        CancelAll,
        Resume { run },
        NextFrame { run },
        History { search: "red".into(), before: Some(run), limit: 9 },
        Find { ticket, filter: "is:starred \"red three\"".into(), utc_offset_s: -3600, from: 3, limit: 9 },
        Mark { runs: runs.clone(), mark: self::Mark::Tag("fox".into()) },
        Delete { runs: runs.clone() },
        Restore { runs },
        Kin { ticket, run },
        Table { ticket, run },
        Move { run, to: Turn::At(run) },
        HoldQueue { held: true },
        Picture { run, index: 1, side: 64 },
        Pause { run },
        Finish { run },
        Curve { run, after: 3 },
        Advance { run },
        Note { run, text: "sharp".into() },
        Inspect { ticket, run, index: 1, layer: Layer::Noise },
        Look { ticket, image: Some("a.png".into()), model: "tiny-if".into(), fit: Fit::Crop, background: Colour([1, 2, 3]) },
        Keep { ticket, name: "mask".into(), width: 2, height: 1, rgb: Bytes(vec![1, 2, 3, 4, 5, 6]) },
        Export { run, what: self::Export::Gif },
        Stop { now: true },
        Models,
        Pull { repository: "a/b".into() },
        StopPull,
    ]
}

/// Those that end a conversation are the last; pictures and chunks are apart.
pub fn events() -> Vec<Event> {
    use Event::*;
    let (run, runs, ticket) = (RUN, vec![self::run()], 5);
    let point = Point { step: 1, epoch: 1, loss: 0.5, rate: 1e-3, ms: 4.0 };
    let layer = LayerNumbers { layer: Layer::Clean, min: -1.0, max: 1.0, mean: 0.0, std: 0.5 };
    let kin = self::Kin {
        from: vec![Relative { run, how: Bond::Step(2) }],
        made: vec![Relative { run, how: Bond::Weights(1) }, Relative { run, how: Bond::Picture(1) }],
    };
    let cells = vec![Cell { run, state: Some(State::Queued) }, Cell { run, state: None }];
    let model = Model {
        name: "a".into(),
        home: Home::Cache,
        path: "/m/a".into(),
        bytes: 9,
        side: Some(64),
        enlarges: true,
        missing: vec!["unet".into()],
    };
    let pull = self::Pulling {
        repository: "a/b".into(),
        file: "x".into(),
        at: 1,
        size: 2,
        number: 3,
        of: 4,
        bytes: 5,
        total: 6,
        doing: Doing::Waits("it broke off".into()),
    };
    vec![
        hello(),
        Queue { runs: runs.clone() },
        Held { held: false },
        Order { runs: vec![run] },
        Submitted { first: run, last: run },
        Run { run: self::run() },
        Loading { run, loading: self::Loading { model: "a".into(), phase: Phase::TextEncoder(40) } },
        Step { run, index: 1, of: 4, t: 900, ms: 1.5 },
        Taught { run, point, per_epoch: 5, memory: Some(1) },
        Sampled { run, index: 0 },
        Curve { run, points: vec![point; 3], more: true },
        Log { time_ms: 1, text: "a line".into() },
        Error { text: "no".into() },
        Failed { ticket, text: "no".into() },
        History { search: String::new(), runs: runs.clone(), total: 1 },
        Found { ticket, from: 0, runs, total: 1 },
        Gone { runs: vec![run] },
        Kin { ticket, run, kin },
        Table { ticket, table: self::Table { first: run, axes: vec![axis()], cells } },
        Numbers { numbers: self::Numbers { run, index: 0, t: 9, steps: vec![0, 1], thresholds: vec![1.5], layers: vec![layer] } },
        Kept { ticket, image: "drawing@sha256:00".into() },
        Models { models: vec![model] },
        Pulling { pull },
        Pulled { repository: "a/b".into(), end: PullEnd::Done, text: "here".into() },
        Heard { number: 5 },
        Ping,
        Stopping,
        Refused { reason: "too many".into() },
        SentAway { reason: "too many".into() },
    ]
}

/// A head of every kind of picture.
pub fn heads() -> Vec<PictureHead> {
    let what = [
        PictureOf::Frame { index: 1, t: 900 },
        PictureOf::Kept { index: 0, side: 64 },
        PictureOf::Layer { index: 1, layer: Layer::Noisy },
        PictureOf::Input { ticket: 3 },
    ];
    let missing = PictureHead { run: RUN, what: PictureOf::Missing { index: 0, side: 64 }, width: 0, height: 0 };
    let heads = what.into_iter().zip([3, 50, 100, 150]).map(|(what, side)| PictureHead { run: RUN, what, width: side, height: 60 });
    heads.chain([missing]).collect()
}

/// The names of an enum's variants, from the words with which another one is refused; and those of the values.
fn names<M: Serialize + DeserializeOwned>(values: &[M]) -> [BTreeSet<String>; 2] {
    let refusal = serde_json::from_str::<M>("\"nothing\"").err().unwrap().to_string();
    let all = refusal.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    let name = |value| match value {
        serde_json::Value::Object(fields) => fields.keys().next().unwrap().clone(),
        value => value.as_str().unwrap().to_owned(),
    };
    [all, values.iter().map(|value| name(serde_json::to_value(value).unwrap())).collect()]
}

#[test]
fn no_message_is_left_out() {
    let [all, here] = names(&commands());
    assert_eq!(all, here);
    let pictures = heads().into_iter().map(|head| Event::Picture { head }).chain([Event::Chunk { bytes: Bytes(vec![1]) }]);
    let [all, here] = names(&events().into_iter().chain(pictures).collect::<Vec<_>>());
    assert_eq!(all, here);
    let [all, here] = names(&heads().into_iter().map(|head| head.what).collect::<Vec<_>>());
    assert_eq!(all, here);
}
