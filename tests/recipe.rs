//! What a user may ask for, and what is said of what he may not.
#![allow(clippy::unwrap_used)]

use darkroom::recipe::{Ask, Colour, EXPERIMENTS, Image, Kind, Recipe, VIEWS, View, fields, preset};
use proptest::prelude::*;

fn ask(pairs: &[(&str, &str)]) -> Ask {
    Ask { experiment: "sample".into(), fields: pairs.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect() }
}

fn refused(pairs: &[(&str, &str)]) -> String {
    ask(pairs).expand().unwrap_err().to_string()
}

fn cells(field: &str, value: &str) -> Vec<String> {
    let grid = ask(&[(field, value)]).expand().unwrap();
    (0..grid.recipes.len()).map(|cell| grid.labels(cell).into_iter().map(|(_, value)| value.to_owned()).collect()).collect()
}

#[test]
fn an_empty_ask_is_the_example() {
    let grid = ask(&[]).expand().unwrap();
    assert_eq!(grid.recipes.len(), 1);
    assert!(grid.axes.is_empty());
    assert!(!grid.recipes[0].prompt().is_empty());
    assert_eq!(grid.recipes[0].model_calls(), 2 * 33);
}

#[test]
fn what_is_wrong_is_said_with_the_field_and_what_would_be_right() {
    for (field, value, words) in [
        ("steps", "0", "from 1 to 1000"),
        ("steps", "1001", "from 1 to 1000"),
        ("steps", "many", "whole number"),
        ("guidance", "NaN", "from -100 to 100"),
        ("guidance", "inf", "from -100 to 100"),
        ("guidance", "", "from -100 to 100"),
        ("seed", "-1", "from 0"),
        ("count", "65", "from 1 to 64"),
        ("timesteps", "smart28", "smart27"),
        ("timesteps", "1,2,3", "does not fall"),
        ("timesteps", "5000", "999"),
        ("sampler", "euler", "ddpm, ddim"),
        ("seed", "5..1", "empty range"),
        ("seed", "1..9:0", "empty range"),
        ("seed", "1..99999", "more than 10000"),
        ("guidance", "1,,3", "from -100 to 100"),
    ] {
        let error = ask(&[(field, value)]).expand().unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{error}");
        assert!(error.message.contains(words) && error.message.starts_with(field), "{field} {value}: {error}");
    }
    assert!(refused(&[("promt", "x")]).contains("did you mean 'prompt'"));
    assert!(refused(&[("steps", "9"), ("timesteps", "fast27")]).contains("its own number"));
    assert!(refused(&[("timesteps", "leading")]).contains("set steps"));
    assert!(Ask { experiment: "smaple".into(), fields: vec![] }.expand().unwrap_err().message.contains("there is sample"));
}

#[test]
fn not_a_number_is_refused_alike_from_the_form_the_command_line_and_toml() {
    let typed = refused(&[("guidance", "NaN")]);
    let toml = Ask::from_toml("experiment = \"sample\"\nguidance = nan").unwrap().expand().unwrap_err().to_string();
    let line = parse("sample", &[("guidance", "NaN")]).unwrap_err();
    assert_eq!((&typed, &typed), (&toml, &line));
}

#[test]
fn a_negative_number_is_taken_where_one_is_allowed() {
    let grid = ask(&[("guidance", "-1,-2.5")]).expand().unwrap();
    assert_eq!(grid.recipes.iter().map(|recipe| recipe.pairs()[1].1.clone()).collect::<Vec<_>>(), ["-1.0", "-2.5"]);
}

#[test]
fn lists_and_ranges_make_grids_with_the_last_axis_fastest() {
    assert_eq!(cells("seed", "1..4"), ["1", "2", "3", "4"]);
    assert_eq!(cells("seed", "1..20:6"), ["1", "7", "13", "19"]);
    assert_eq!(cells("guidance", "0..0.3:0.1"), ["0", "0.1", "0.2", "0.3"]);
    assert_eq!(cells("seed", "7, 9..10"), ["7", "9", "10"]);
    assert_eq!(cells("seed", "3,1..3"), ["3", "1", "2"], "a value named twice is one cell");
    let grid = ask(&[("guidance", "1,3,7"), ("seed", "1..4")]).expand().unwrap();
    assert_eq!(grid.recipes.len(), 12);
    assert_eq!(grid.labels(0), [("guidance", "1"), ("seed", "1")]);
    assert_eq!(grid.labels(1), [("guidance", "1"), ("seed", "2")]);
    assert_eq!(grid.labels(11), [("guidance", "7"), ("seed", "4")]);
    assert!(refused(&[("seed", "1..9999"), ("steps", "1..2")]).contains("more than 10000 cells"));
    assert_eq!(ask(&[("timesteps", "900,500,100")]).expand().unwrap().recipes.len(), 1, "timesteps are a list themselves");
}

#[test]
fn a_toml_recipe_may_hold_lists_and_is_refused_by_its_fields_names() {
    let grid = Ask::from_toml("experiment = \"sample\"\nprompt = \"a red three\"\nguidance = [1, 3.5]\ntimesteps = [900, 100]")
        .unwrap()
        .expand()
        .unwrap();
    assert_eq!(grid.recipes.len(), 2);
    for (text, words) in [
        ("prompt = \"x\"", "which experiment"),
        ("experiment = 3", "name in quotes"),
        ("experiment = \"sample\"\nprompt = [\"a\", \"b\"]", "prompt cannot be a list"),
        ("experiment = \"sample\"\nseed = []", "seed cannot be a list"),
        ("experiment = \"sample\"\nseed = {}", "seed cannot be a table"),
        ("experiment = \"sample\"\n\"prompt=a\" = \"b\"", "no field 'prompt=a'"),
        ("experiment = ", "no TOML"),
        ("experiment = \"sample\"\n\nseed = = 3", "no TOML: line 3: "),
    ] {
        let error = Ask::from_toml(text).and_then(|ask| ask.expand()).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn the_range_that_a_field_shows_is_the_range_that_it_takes() {
    let fields = fields("sample").unwrap();
    let mut checked = 0;
    for field in fields.iter().filter(|field| field.kind == Kind::Number) {
        let range = field.range.split(' ').next().unwrap();
        let (low, high) = range.split_once("..").unwrap();
        let (below, above) = (low.parse::<f64>().unwrap() - 1.0, high.parse::<f64>().unwrap() + 1.0);
        for (value, taken) in [(low.to_owned(), true), (high.to_owned(), true), (below.to_string(), false), (above.to_string(), false)] {
            assert_eq!(ask(&[("stage-two", "IF-II"), (&field.name, &value)]).expand().is_ok(), taken, "{} {value}", field.name);
        }
        checked += 1;
    }
    assert!(checked >= 4);
    assert!(fields.iter().all(|field| field.help.ends_with(char::is_alphanumeric)), "every field has a help line");
}

/// An experiment with its defaults; `upscale` has no model of its own.
fn default(experiment: &str) -> Recipe {
    let model = ("model".to_owned(), "IF-II-L-v1.0".to_owned());
    Recipe::parse(experiment, if experiment == "upscale" { std::slice::from_ref(&model) } else { &[] }).unwrap()
}

fn parse(experiment: &str, pairs: &[(&str, &str)]) -> Result<Recipe, String> {
    let pairs: Vec<_> = pairs.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
    Recipe::parse(experiment, &pairs).map_err(|error| error.to_string())
}

#[test]
fn every_experiment_has_defaults_a_help_line_a_field_and_a_place_for_each_picture() {
    for experiment in EXPERIMENTS {
        let recipe = default(experiment);
        assert_eq!(recipe.experiment(), *experiment);
        assert_eq!(recipe.labels().len(), recipe.pictures());
        assert!((1..=recipe.pictures()).contains(&recipe.columns()), "{experiment}: {} columns", recipe.columns());
        assert_eq!(recipe.model_calls() == 0, ["forward", "blur", "noise-levels"].contains(experiment), "{experiment}");
        let command = darkroom::recipe::command(experiment).unwrap();
        for arg in command.get_arguments() {
            assert_eq!(arg.get_long(), Some(arg.get_id().as_str()), "a field has one name, in the form and on the command line");
        }
        for field in fields(experiment).unwrap() {
            assert!(field.help.ends_with(|c: char| c.is_alphanumeric()), "{experiment} {}: {}", field.name, field.help);
        }
        assert_eq!(Ask::from_toml(&recipe.to_toml()).unwrap().expand().unwrap().recipes, vec![recipe.clone()], "{experiment}");
        assert_eq!(Recipe::parse(experiment, &recipe.pairs()).unwrap(), recipe, "{experiment}");
        assert_eq!(rmp_serde::from_slice::<Recipe>(&rmp_serde::to_vec_named(&recipe).unwrap()).unwrap(), recipe);
    }
}

#[test]
fn a_list_belongs_to_one_run_and_a_number_makes_a_grid() {
    let ask = |pairs: &[(&str, &str)]| {
        let fields = pairs.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        Ask { experiment: "edit".into(), fields }.expand().unwrap()
    };
    let grid = ask(&[("start", "1..7:3"), ("guidance", "3,7")]);
    assert_eq!(grid.recipes.len(), 2);
    assert_eq!(grid.recipes[0].labels(), ["start 1", "start 4", "start 7", "original"]);
    let toml = Ask::from_toml("experiment = \"edit\"\nstart = [5, 9]").unwrap().expand().unwrap();
    assert_eq!(toml.recipes[0].labels(), ["start 5", "start 9", "original"]);
}

#[test]
fn a_number_counts_once_however_it_is_written() {
    let recipe = parse("noise-levels", &[("sigmas", "0,0.5,0.,0.50,1")]).unwrap();
    assert!(recipe.pairs().contains(&("sigmas".to_owned(), "0,0.5,1".to_owned())), "{:?}", recipe.pairs());
    assert_eq!(Recipe::parse("noise-levels", &recipe.pairs()).unwrap(), recipe);
}

#[test]
fn several_prompts_and_views_are_given_one_after_the_other() {
    let recipe = parse("anagram", &[("prompt", "a six"), ("prompt", "a nine, upside down"), ("view", "identity,rotate-180")]).unwrap();
    assert_eq!(recipe.prompts(), ["a six", "a nine, upside down"]);
    assert_eq!(recipe.views(), [View::Identity, View::Rotate180]);
    assert_eq!(recipe.prompt(), "a six\na nine, upside down");
    let toml = "experiment = \"anagram\"\nprompt = [\"a six\", \"a nine\"]\nview = [\"flip\", \"skew:2\"]";
    assert_eq!(Ask::from_toml(toml).unwrap().expand().unwrap().recipes[0].views(), [View::Identity, View::Flip, View::Skew(2.0)]);
    assert!(parse("anagram", &[("prompt", "alone")]).unwrap_err().contains("1 prompts and 2 views"));
    for name in VIEWS {
        assert_eq!(name.parse::<View>().unwrap().to_string(), *name);
    }
    for wrong in ["", "flop", "flip:2", "skew:nan", "patch-permute:0", "jigsaw:"] {
        assert!(wrong.parse::<View>().is_err(), "{wrong}");
    }
}

#[test]
fn the_picture_itself_is_kept_once_whichever_the_views() {
    let two = [("prompt", "a six"), ("prompt", "a nine")];
    let views = |experiment, more: &[(&str, &str)]| {
        let recipe = parse(experiment, &[&two[..], more].concat()).unwrap();
        (recipe.labels(), recipe.columns())
    };
    let row = ["base", "flip: a six", "negate: a nine"];
    assert_eq!(
        views("anagram", &[("view", "flip,negate"), ("count", "2")]),
        ([row, row].concat().iter().map(|label| label.to_string()).collect(), 3)
    );
    assert_eq!(views("anagram", &[("view", "flip,identity")]), (vec!["flip: a six".into(), "identity: a nine".into()], 2));
    let upscale = |view| views("upscale", &[("model", "x"), ("view", view)]);
    assert_eq!(upscale("flip,rotate-180"), (["enlarged", "bilinear", "flip: a six", "rotate-180: a nine"].map(str::to_owned).to_vec(), 4));
    assert_eq!(upscale("flip,identity"), (["enlarged", "bilinear", "flip: a six"].map(str::to_owned).to_vec(), 3));
}

#[test]
fn repaint_calls_the_model_as_often_as_its_authors_say() {
    for (steps, length, count, calls) in [(250, 10, 10, 2410), (100, 10, 10, 910), (100, 10, 5, 460), (100, 10, 2, 190), (50, 5, 5, 230)] {
        let [steps, length, count] = [steps, length, count].map(|number: usize| number.to_string());
        let recipe = parse("inpaint", &[("steps", &steps), ("jump-length", &length), ("jump-count", &count), ("guidance", "1")]).unwrap();
        let schedule = recipe.schedule().unwrap();
        assert_eq!((schedule.len(), recipe.model_calls()), (calls, calls), "{steps} {length} {count}");
        let mut back = schedule.windows(2).filter(|pair| pair[1] != pair[0] + 1);
        assert!(back.all(|pair| pair[0] + 1 - pair[1] == length.parse::<usize>().unwrap()), "every jump has the length that was asked for");
        assert_eq!((schedule[0], schedule.last().copied()), (0, Some(steps.parse::<usize>().unwrap() - 1)));
    }
    let straight = default("inpaint").schedule().unwrap();
    assert_eq!(straight, (0..33).collect::<Vec<_>>(), "without resampling it is a plain walk");
}

#[test]
fn a_model_is_called_by_its_last_part_however_its_path_ends() {
    let fields = [("model", "/models/IF-II"), ("text-model", "/models/IF-I/")];
    let recipe = parse("upscale", &fields).unwrap();
    let text_model = |recipe: &Recipe| recipe.pairs().into_iter().find(|(field, _)| field == "text-model").unwrap().1;
    assert_eq!(text_model(&recipe.clone().nameless()), "IF-I");
    let named = recipe.named();
    assert_eq!((named.model(), text_model(&named).as_str()), ("IF-II", "IF-I"));
}

#[test]
fn an_input_is_called_by_its_last_part_and_known_by_its_hash() {
    let hash = "0123456789abcdef".repeat(4);
    for (text, name, known) in [
        ("campanile", "campanile", None),
        ("/home/me/photos/tower.jpg", "tower.jpg", None),
        ("https://example.org/a/b.png?size=big", "b.png", None),
        ("run:142/2", "run:142/2", None),
        (&format!("tower.jpg@sha256:{hash}"), "tower.jpg", Some(hash.as_str())),
        ("me@sha256:short", "me@sha256:short", None),
    ] {
        let image: Image = text.parse().unwrap();
        assert_eq!((image.name(), image.hash()), (name, known), "{text}");
    }
    let recipe = parse("edit", &[("image", &format!("secret.jpg@sha256:{hash}"))]).unwrap();
    assert!(!recipe.nameless().to_toml().contains("secret"), "what a picture holds names no file");
    assert!(parse("sample", &[("from", "run:142@12")]).is_ok());
    assert!(parse("sample", &[("from", "run:142")]).unwrap_err().contains("run:142@12"));
    assert_eq!("#FF8000".parse::<Colour>().unwrap().to_string(), "#ff8000");
    assert!(["", "#ff80", "#ff80zz", "#+f8000", "beige"].iter().all(|wrong| wrong.parse::<Colour>().is_err()));
}

#[test]
fn fields_that_do_not_agree_are_refused_with_the_one_to_look_at() {
    for (experiment, pairs, field) in [
        ("iterative", vec![("start", "33")], "start"),
        ("edit", vec![("start", "1,40"), ("steps", "20")], "start"),
        ("inpaint", vec![("steps", "10"), ("jump-count", "2")], "jump-length"),
        ("inpaint", vec![("timesteps", "0"), ("jump-length", "1"), ("jump-count", "2")], "jump-length"),
        ("hybrid", vec![("split", "three-bands")], "prompt"),
        ("hybrid", vec![("reference", "campanile")], "prompt"),
        ("hybrid", vec![("fixed", "3")], "fixed"),
        ("blur", vec![("kernel", "4")], "kernel"),
        ("forward", vec![("t", "1000")], "t"),
        ("upscale", vec![], "model"),
        ("upscale", vec![("model", "x"), ("prompt", "a"), ("prompt", "b")], "prompt"),
        ("upscale", vec![("model", "x"), ("split", "frequency"), ("view", "flip")], "split"),
    ] {
        let pairs: Vec<_> = pairs.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        let error = Recipe::parse(experiment, &pairs).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{experiment}: {error}");
    }
}

proptest! {
    #[test]
    fn a_recipe_survives_toml_json_messagepack_and_the_form(
        prompt in any::<String>(), guidance in -100.0..100.0f64, seed in 0..=u32::MAX, count in 1..=64usize, steps in proptest::option::of(1..=1000u64),
    ) {
        let mut pairs = vec![("prompt".to_owned(), prompt), ("guidance".into(), guidance.to_string()), ("seed".into(), seed.to_string()), ("count".into(), count.to_string())];
        pairs.extend(steps.map(|steps| ("steps".into(), steps.to_string())));
        let recipe = Recipe::parse("sample", &pairs).unwrap();
        prop_assert_eq!(&Ask::from_toml(&recipe.to_toml()).unwrap().expand().unwrap().recipes, &vec![recipe.clone()]);
        prop_assert_eq!(&serde_json::from_str::<Recipe>(&serde_json::to_string(&recipe).unwrap()).unwrap(), &recipe);
        prop_assert_eq!(&rmp_serde::from_slice::<Recipe>(&rmp_serde::to_vec_named(&recipe).unwrap()).unwrap(), &recipe);
        prop_assert_eq!(&Recipe::parse("sample", &recipe.pairs()).unwrap(), &recipe);
    }

    #[test]
    fn no_text_in_any_field_of_any_experiment_makes_it_panic(value in any::<String>()) {
        for experiment in EXPERIMENTS {
            for field in fields(experiment).unwrap() {
                let _ = Ask { experiment: experiment.to_string(), fields: vec![(field.name, value.clone())] }.expand();
            }
        }
    }

    #[test]
    fn no_text_in_a_field_makes_it_panic(field in "[a-z]{1,10}", value in any::<String>(), toml in any::<String>()) {
        let _ = ask(&[(&field, &value)]).expand();
        for known in fields("sample").unwrap() {
            let _ = ask(&[(&known.name, &value)]).expand();
        }
        let _ = Ask::from_toml(&toml);
    }
}

#[test]
fn an_edition_fills_what_is_left_empty_and_nothing_else() {
    let training = |experiment: &str, fields: &[(&str, &str)]| {
        let recipe = parse(experiment, fields).unwrap();
        let numbers = recipe.training().unwrap();
        (numbers.epochs, numbers.batch, numbers.rate, numbers.width, recipe.pictures())
    };
    assert_eq!(training("train-denoiser", &[]), (5, 256, 1e-4, 128, 6));
    assert_eq!(training("train-time", &[]), (20, 128, 1e-3, 64, 20));
    assert_eq!(training("train-class", &[("edition", "fa25")]), (10, 64, 1e-2, 64, 10));
    assert_eq!(training("train-class", &[("edition", "fa25"), ("rate", "0.5"), ("until", "3")]), (10, 64, 0.5, 64, 3));
    for (field, value) in [("epochs", "20"), ("batch", "128"), ("rate", "0.001"), ("schedule", "exponential"), ("objective", "ddpm")] {
        assert_eq!(preset("train-time", "fa24", field).as_deref(), Some(value), "{field}");
        let given = parse("train-time", &[(field, value)]).unwrap();
        let empty = parse("train-time", &[]).unwrap();
        assert_eq!(
            given.training().map(|numbers| (numbers.epochs, numbers.schedule)),
            empty.training().map(|numbers| (numbers.epochs, numbers.schedule))
        );
    }
    assert_eq!(preset("train-time", "fa25", "modulation").as_deref(), Some("multiply"));
    assert_eq!(preset("sample", "fa24", "epochs"), None);
}

#[test]
fn a_training_that_cannot_be_is_refused_at_its_field() {
    for (experiment, field, value, words) in [
        ("train-class", "until", "21", "beyond the last of 20 epochs"),
        ("train-class", "beta-start", "0.5", "above beta-end"),
        ("train-class", "data", " ", "data is empty"),
        ("train-class", "batch", "1", "from 2"),
        ("train-denoiser", "sigmas", "0,x", "list of numbers"),
        ("train-denoiser", "pure-noise", "perhaps", "true, false"),
        ("sample-digits", "run", "six", "give the number of its run"),
        ("sample-digits", "epoch", "3", "goes with the number of a run"),
    ] {
        let error = Ask { experiment: experiment.into(), fields: vec![(field.into(), value.into())] }.expand().unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn the_run_and_the_epoch_of_a_training_name_its_weights() {
    let run = |fields: &[(&str, &str)]| {
        let pairs = parse("sample-digits", fields).unwrap().pairs();
        pairs.into_iter().find(|(field, _)| field == "run").unwrap().1
    };
    assert_eq!([run(&[]), run(&[("run", "12")]), run(&[("run", "run:12")])], ["built-in", "weights:12", "weights:12"]);
    assert_eq!([run(&[("run", "12"), ("epoch", "5")]), run(&[("run", "weights:12@5")])], ["weights:12@5", "weights:12@5"]);
}
