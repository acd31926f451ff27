//! The models on the engine's machine.

use super::bench::{Bench, NOON, run};
use darkroom::app::{Focus, Input, Overlay};
use darkroom::link::{Command, Doing, Event, Home, Model, News, PullEnd, Pulling};
use darkroom::recipe::State;

const XL: &str = "DeepFloyd/IF-I-XL-v1.0";
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (60, 20)];

/// Keeps the screens of a scene, with the list open, at every size.
fn keep(name: &str, scene: impl Fn(&mut Bench)) {
    for (width, height) in SIZES {
        let mut bench = opened(width, height);
        scene(&mut bench);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), bench.screen());
    }
}

fn model(name: &str, home: Home, (side, enlarges): (u32, bool), missing: &[&str]) -> Model {
    let path = match home {
        Home::BuiltIn => String::new(),
        Home::Folder => format!("/home/me/.local/share/darkroom/models/{name}"),
        Home::Cache => format!("/home/me/.cache/huggingface/hub/models--{}/snapshots/{}", name.replace('/', "--"), "c03d510e".repeat(5)),
    };
    let missing = missing.iter().map(|part| (*part).to_owned()).collect();
    Model { name: name.into(), home, path, bytes: 8_609_390_220, side: Some(side), enlarges, missing }
}

fn models() -> Vec<Model> {
    vec![
        Model { bytes: 13_600_000, ..model("tiny-if", Home::BuiltIn, (32, false), &[]) },
        Model { side: None, bytes: 1_650, ..model("spoiled", Home::Folder, (0, false), &["unet", "scheduler"]) },
        model(XL, Home::Cache, (64, false), &[]),
        Model { bytes: 2_490_000_000, ..model("DeepFloyd/IF-II-L-v1.0", Home::Cache, (256, true), &["text encoder", "tokenizer"]) },
    ]
}

/// A workbench with the list open.
fn opened(width: u16, height: u16) -> Bench {
    let mut bench = Bench::with_engine(width, height);
    bench.keys("<Esc>m");
    assert_eq!(bench.sent().last(), Some(&Command::Models));
    bench.event(Event::Models { models: models() });
    bench
}

/// The second shard of the text encoder, of which so much is here.
fn pulling(at: u64) -> Pulling {
    Pulling {
        repository: XL.into(),
        file: "text_encoder/model.fp16-00002-of-00002.safetensors".into(),
        at,
        size: 4_990_000_000,
        number: 8,
        of: 10,
        bytes: 4_540_000_000 + at,
        total: 18_150_000_000,
        doing: Doing::Fetches,
    }
}

/// The download has been going on for four seconds.
fn downloads(bench: &mut Bench) {
    for second in 0..=4 {
        bench.input(Input::Tick(NOON + second as i64 * 1000));
        bench.event(Event::Pulling { pull: pulling(3_100_000_000 + second * 12_300_000) });
    }
}

fn ends(bench: &mut Bench, end: PullEnd, text: &str) {
    bench.event(Event::Pulled { repository: XL.into(), end, text: text.into() });
}

fn value(bench: &Bench, field: &str) -> String {
    bench.app.form.entries.iter().find(|entry| entry.field.name == field).unwrap().value().to_owned()
}

const GATED: &str = "DeepFloyd/IF-I-XL-v1.0 is gated: accept its licence at https://huggingface.co/DeepFloyd/IF-I-XL-v1.0 while logged \
                     in, then set HF_TOKEN to a token of that account (https://huggingface.co/settings/tokens) and pull again; the \
                     engine sees a new HF_TOKEN when it is started anew (`darkroom stop` ends this one)";

#[test]
fn the_models_that_there_are() {
    keep("the_models", |bench| {
        bench.keys("<Down><Down><Down>");
    });
}

#[test]
fn a_model_that_is_downloaded() {
    keep("a_download", downloads);
}

#[test]
fn the_name_of_a_model_to_download() {
    keep("the_name_of_a_model", |bench| {
        bench.keys("p");
    });
}

#[test]
fn a_download_that_is_refused_by_the_hub() {
    keep("a_gated_model", |bench| ends(bench, PullEnd::Failed, GATED));
}

#[test]
fn a_download_while_the_list_is_closed() {
    for (width, height) in SIZES {
        let mut bench = opened(width, height);
        downloads(&mut bench);
        bench.develops(142, "a red three", 12);
        bench.event(Event::Run { run: run(143, "six or nine", State::Queued) });
        assert!(!bench.screen().lines().next().unwrap().contains("↓"), "the list itself says it");
        bench.keys("<Esc>");
        let screen = bench.screen();
        let header = screen.lines().next().unwrap();
        assert!(header.contains("● 12/34") && header.contains("↓ IF-I-XL-v1.0 42 %"), "{header}");
        ends(&mut bench, PullEnd::Done, "DeepFloyd/IF-I-XL-v1.0: 10 files");
        assert!(!bench.screen().contains("↓ IF"));
    }
}

#[test]
fn speed_and_time_are_those_of_the_last_seconds() {
    let mut bench = opened(120, 40);
    bench.event(Event::Pulling { pull: Pulling { doing: Doing::Asks, of: 0, total: 0, size: 0, at: 0, bytes: 0, ..pulling(0) } });
    let screen = bench.screen();
    assert!(screen.contains("asks the hub which files there are") && !screen.contains('%'), "{screen}");
    downloads(&mut bench);
    let screen = bench.screen();
    for words in ["42 % · 8 of 10 files", "12 MB/s", "3.1 GB of 5.0 GB · 14 min left"] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    bench.event(Event::Pulling { pull: Pulling { doing: Doing::Waits("no connection\u{1b}[2J".into()), ..pulling(3_200_000_000) } });
    let screen = bench.screen();
    assert!(screen.contains("no connection\\u{1b}[2J, and tries again") && !screen.contains("MB/s"), "{screen}");
}

#[test]
fn a_model_goes_into_the_field_for_its_kind() {
    let mut bench = opened(120, 40);
    bench.keys("<Down><Down><Enter>");
    assert_eq!((bench.app.overlay, bench.app.focus, value(&bench, "model").as_str()), (None, Focus::Parameters, XL));
    assert_eq!(bench.app.form.entry().unwrap().field.name, "model");
    bench.keys("<F3>");
    assert_eq!(bench.app.overlay, Some(Overlay::Models(2)), "the form's own is selected");
    bench.keys("<Down><Enter>");
    assert_eq!(value(&bench, "stage-two"), "DeepFloyd/IF-II-L-v1.0");
    assert_eq!(bench.app.form.entry().unwrap().field.name, "stage-two");
    bench.keys("<Esc>m<Up><Up><Enter>");
    assert_eq!(value(&bench, "model"), "", "the default is what an empty field means");
    bench.takes_up("upscale").keys("<Esc>m<Down><Down><Down><Enter>");
    assert_eq!(value(&bench, "model"), "DeepFloyd/IF-II-L-v1.0");
    bench.keys("<F3><Up><Enter>");
    assert_eq!((value(&bench, "model").as_str(), value(&bench, "text-model").as_str()), ("DeepFloyd/IF-II-L-v1.0", XL));
}

#[test]
fn a_model_that_the_form_has_no_field_for_stays_where_it_is() {
    let mut bench = opened(80, 24);
    bench.keys("<Esc>").takes_up("train-class").keys("<F3><Enter>");
    assert!(bench.screen().contains("train-class has no field for a model."));
    bench.keys("<Esc>").takes_up("forward").keys("<F3><Down><Down><Down><Enter>");
    assert!(bench.screen().contains("forward has no field for a stage II model; upscale and sample have one."));
    bench.keys("<Up>");
    assert!(!bench.screen().contains("no field") && bench.app.overlay == Some(Overlay::Models(2)));
}

#[test]
fn the_name_is_text_and_what_is_typed_is_kept() {
    let mut bench = opened(80, 24);
    bench.keys("p<Enter>");
    assert!(bench.sent().is_empty() && bench.app.overlay == Some(Overlay::Pull(0)), "nothing is no name");
    bench.keys("mqpx?/");
    bench.input(Input::Paste(" a\u{1b}b\r\n".into()));
    bench.keys("<Esc><Esc>m");
    bench.event(Event::Models { models: models() });
    assert!(!bench.screen().contains("mqpx?/ab"));
    bench.keys("p");
    assert!(bench.screen().contains("mqpx?/ab"), "{}", bench.screen());
    bench.sent();
    bench.keys("<Enter>");
    assert_eq!(bench.sent(), [Command::Pull { repository: "mqpx?/ab".into() }]);
    bench.event(Event::Error { text: "'mqpx?/ab' names no repository; write owner/name".into() });
    assert!(bench.screen().contains("names no repository"));
    bench.keys("p");
    assert!(bench.screen().contains("mqpx?/ab"), "it can be mended");
}

#[test]
fn one_download_at_a_time_and_x_breaks_it_off() {
    let mut bench = opened(80, 24);
    bench.keys(&format!("p{XL}<Enter>"));
    downloads(&mut bench);
    bench.sent();
    bench.keys("p");
    assert!(bench.screen().contains("One at a time: IF-I-XL-v1.0 is under way; x breaks it off."), "{}", bench.screen());
    bench.keys("x");
    assert_eq!(bench.sent(), [Command::StopPull]);
    bench.event(Event::Pulling { pull: Pulling { doing: Doing::Stops, ..pulling(3_200_000_000) } });
    bench.keys("x");
    assert!(bench.sent().is_empty() && bench.screen().contains("breaks off; what has arrived is kept"));
    ends(&mut bench, PullEnd::Stopped, "the download of DeepFloyd/IF-I-XL-v1.0 is broken off");
    assert_eq!(bench.sent(), [Command::Models], "there is more of it than before");
    bench.keys("p<Enter>");
    assert_eq!(bench.sent(), [Command::Pull { repository: XL.into() }], "to go on nothing has to be typed");
}

#[test]
fn a_download_that_begins_elsewhere_meanwhile_loses_no_name() {
    let mut bench = opened(80, 24);
    bench.keys("pa/b");
    downloads(&mut bench);
    bench.sent();
    bench.keys("<Enter>");
    assert!(bench.sent().is_empty() && bench.screen().contains("One at a time: IF-I-XL-v1.0 is under way"));
    ends(&mut bench, PullEnd::Done, "DeepFloyd/IF-I-XL-v1.0: 10 files");
    bench.sent();
    bench.keys("<Enter>");
    assert_eq!(bench.sent(), [Command::Pull { repository: "a/b".into() }]);
    // The engine had another one already.
    downloads(&mut bench);
    bench.event(Event::Error { text: "one download at a time".into() });
    ends(&mut bench, PullEnd::Done, "DeepFloyd/IF-I-XL-v1.0: 10 files");
    bench.keys("p");
    assert!(bench.screen().contains("a/b"), "{}", bench.screen());
}

#[test]
fn the_mouse_takes_a_model_turns_the_list_and_closes_it() {
    let mut bench = opened(120, 40);
    bench.wheels("Models", true).wheels("Models", true).wheels("Models", false);
    assert_eq!(bench.app.overlay, Some(Overlay::Models(1)));
    bench.clicks("DeepFloyd/IF-II-L-v1.0 ");
    assert_eq!((bench.app.overlay, value(&bench, "stage-two").as_str()), (None, "DeepFloyd/IF-II-L-v1.0"));
    bench.keys("<F3>").clicks("History");
    assert_eq!(bench.app.overlay, None, "a click beside the list closes it");
    bench.keys("<F3>");
    let blank = bench.spot("downloads one from");
    assert_eq!(darkroom::ui::target(&bench.app, bench.area(), blank), None);
}

#[test]
fn a_strange_name_is_shown_and_not_obeyed() {
    let mut bench = opened(80, 24);
    let strange = Model { name: "a\u{1b}[2J\u{202e}b".into(), path: "/x\u{7}".into(), ..model("x", Home::Folder, (64, false), &[]) };
    bench.event(Event::Models { models: vec![strange] });
    let screen = bench.screen();
    assert!(screen.contains("a\\u{1b}[2J\\u{202e}b") && screen.contains("/x\\u{7}"), "{screen}");
    bench.event(Event::Pulling { pull: Pulling { repository: "a\u{9b}/b\u{9b}".into(), file: "c\u{1b}c".into(), ..pulling(9) } });
    let screen = bench.screen();
    assert!(screen.contains("↓ a\\u{9b}/b\\u{9b}") && screen.contains("c\\u{1b}c"), "{screen}");
    bench.keys("<Esc>");
    assert!(bench.screen().contains("↓ b\\u{9b}"));
}

#[test]
fn the_selection_stays_on_its_model_and_a_lost_engine_loses_no_list() {
    let mut bench = opened(80, 24);
    bench.keys("<Down><Down>");
    let mut more = models();
    more.insert(1, model("another", Home::Folder, (64, false), &[]));
    bench.event(Event::Models { models: more });
    assert_eq!(bench.app.overlay, Some(Overlay::Models(3)));
    bench.event(Event::Models { models: models()[..1].to_vec() });
    assert_eq!(bench.app.overlay, Some(Overlay::Models(0)));
    downloads(&mut bench);
    bench.input(Input::News(News::Lost { reason: "The engine stopped.".into() }));
    assert!(bench.screen().contains("tiny-if") && bench.app.models.download.is_none());
    bench.sent();
    bench.engine_starts();
    assert!(bench.sent().contains(&Command::Models));
    let mut fresh = Bench::new(80, 24);
    fresh.input(Input::News(News::NoEngine { reason: "The disk is full.".into() }));
    fresh.keys("<F3><Enter><Down><Up>");
    assert!(fresh.screen().contains("Which models there are, the next engine tells."), "{}", fresh.screen());
}
