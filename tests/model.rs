//! Model folders, whole and broken.
#![allow(clippy::unwrap_used)]

use darkroom::experiment::{self, Models};
use darkroom::model::{Cache, Folder, Words, info};
use darkroom::recipe::{Model, Recipe};
use std::{fs, ops::ControlFlow, path::Path, process::Command};

const FILES: &[&str] = &[
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
];

/// A folder of its own, named `broken`, with the embedded model's files, to be tampered with.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Copy {
        let copy = Copy(tempfile::tempdir().unwrap());
        for file in FILES {
            fs::create_dir_all(copy.path(file).parent().unwrap()).unwrap();
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/tiny-if").join(file), copy.path(file)).unwrap();
        }
        copy
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.0.path().join("broken").join(file)
    }

    fn folder(&self) -> Folder {
        Folder::find(&self.path("").to_string_lossy()).unwrap()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }

    fn model(&self) -> Model {
        Model { name: self.path("").to_string_lossy().into_owned(), embeddings: None }
    }

    fn error(&self) -> String {
        format!("{:#}", Models::default().get(&self.model(), &["a red three"]).err().unwrap())
    }
}

fn embedded() -> Model {
    Model { name: "tiny-if".to_owned(), embeddings: None }
}

#[test]
fn a_copy_of_the_embedded_model_is_the_same_model() {
    let named = |model: &Model| {
        let mut models = Models::default();
        let pipeline = models.get(model, &["a red three"]).unwrap();
        (pipeline.hash.clone(), pipeline.design.name.clone())
    };
    let ((copy, name), (embedded, own)) = (named(&Copy::new().model()), named(&embedded()));
    assert_eq!(copy, embedded);
    assert_eq!((name.as_str(), own.as_str()), ("broken", "tiny-if"));
}

#[test]
fn a_folder_that_lacks_a_part_is_refused_by_the_parts_name() {
    for file in FILES {
        let copy = Copy::new();
        fs::remove_file(copy.path(file)).unwrap();
        let error = copy.error();
        assert!(error.contains(&format!("broken/{file}")), "{error}");
    }
}

#[test]
fn what_is_in_a_folder_is_told_without_the_parts_that_it_lacks() {
    let copy = Copy::new();
    fs::remove_dir_all(copy.path("text_encoder")).unwrap();
    let parts: Vec<_> = info(&copy.folder()).unwrap().parts.into_iter().map(|part| part.name).collect();
    assert_eq!(parts, ["unet"], "a stage II folder may have no text encoder");
    fs::remove_file(copy.path("unet/diffusion_pytorch_model.safetensors")).unwrap();
    assert!(format!("{:#}", info(&copy.folder()).unwrap_err()).contains("the model folder is not whole"));
}

#[test]
fn of_the_folder_that_reads_the_prompts_only_what_reads_them_counts() {
    let text = Copy::new();
    fn hash_of(words: Words) -> String {
        Folder::Embedded.hash(words, &Cache::default()).unwrap()
    }
    let hash = || hash_of(Words::Of(&text.folder()));
    let whole = hash();
    assert_ne!(whole, hash_of(Words::Own));
    assert_ne!(hash_of(Words::Elsewhere), hash_of(Words::Own), "what reads the prompts elsewhere is not this model's");
    fs::remove_dir_all(text.path("unet")).unwrap();
    fs::write(text.path("scheduler/scheduler_config.json"), "{}").unwrap();
    assert_eq!(hash(), whole, "neither its UNet nor its scheduler is used");
    fs::write(text.path("tokenizer/tokenizer.json"), "{}").unwrap();
    assert_ne!(hash(), whole);
}

#[test]
fn weights_that_are_empty_truncated_or_no_weights_are_told_from_one_another() {
    for file in FILES.iter().filter(|file| file.ends_with(".safetensors")) {
        let copy = Copy::new();
        fs::write(copy.path(file), b"").unwrap();
        assert!(copy.error().contains(&format!("broken/{file} is empty")), "{}", copy.error());

        let whole = fs::read(Copy::new().path(file)).unwrap();
        for broken in [&whole[..whole.len() / 2], &whole[..6], b"this is no safetensors file".as_slice()] {
            fs::write(copy.path(file), broken).unwrap();
            assert!(copy.error().contains(&format!("broken/{file} is truncated or no safetensors file")), "{}", copy.error());
        }
    }
}

#[test]
fn a_tensor_of_another_shape_is_told_with_both_shapes() {
    let copy = Copy::new();
    copy.edit("unet/config.json", "\"encoder_hid_dim\": 128", "\"encoder_hid_dim\": 64");
    let error = copy.error();
    assert!(error.contains("broken/unet") && error.contains("64") && error.contains("128") && error.contains("weight"), "{error}");
}

#[test]
fn a_config_that_asks_for_what_is_not_built_is_refused_by_the_fields_name() {
    for (file, from, to, words) in [
        ("unet/config.json", "\"attention_type\": \"default\"", "\"attention_type\": \"gated\"", "asks for attention_type 'gated'"),
        ("unet/config.json", "\"act_fn\": \"gelu\"", "\"act_fn\": \"silu\"", "asks for act_fn 'silu'"),
        ("unet/config.json", "\"ResnetDownsampleBlock2D\"", "\"DownBlock2D\"", "asks for down_block_types DownBlock2D"),
        ("unet/config.json", "\"norm_num_groups\": 32", "\"norm_num_groups\": 7", "multiples of 7"),
        ("unet/config.json", "\"layers_per_block\": 1", "\"layers_per_block\": [1, 1]", "layers_per_block"),
        ("unet/config.json", "\"attention_head_dim\": 32", "\"attention_head_dim\": 0", "attention_head_dim"),
        ("unet/config.json", "{", "[", "is no JSON"),
        ("unet/config.json", "\"sample_size\": 32", "\"sample_size\": 200000", "sample_size"),
        ("unet/config.json", "\"sample_size\": 32", "\"sample_size\": 33", "multiples of 4"),
        ("unet/config.json", "\"out_channels\": 6", "\"out_channels\": 7", "out_channels"),
        ("unet/config.json", "\"class_embed_type\": null", "\"class_embed_type\": \"timestep\"", "of neither stage"),
        ("unet/config.json", "\"layers_per_block\": 1", "\"layers_per_block\": 99999999", "layers_per_block"),
        ("scheduler/scheduler_config.json", "\"beta_end\": 0.02", "\"beta_end\": 2.0", "between 0 and 1"),
        ("unet/config.json", "\"sample_size\": 32", "\"sample_size\": \"big\"", "config.json"),
        ("text_encoder/config.json", "gated-gelu", "relu", "asks for feed_forward_proj 'relu'"),
        ("scheduler/scheduler_config.json", "\"epsilon\"", "\"v_prediction\"", "prediction_type 'v_prediction'"),
        ("scheduler/scheduler_config.json", "{", "", "no JSON"),
        ("tokenizer/tokenizer.json", "{", "", "tokenizer"),
        ("model_index.json", "{", "", "no JSON"),
    ] {
        let copy = Copy::new();
        copy.edit(file, from, to);
        let error = copy.error();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_model_of_few_timesteps_refuses_the_lists_that_do_not_fit_it() {
    let copy = Copy::new();
    copy.edit("scheduler/scheduler_config.json", "\"num_train_timesteps\": 1000", "\"num_train_timesteps\": 20");
    for (field, value) in [("timesteps", "fast27"), ("timesteps", "strided"), ("timesteps", "900,5"), ("steps", "21")] {
        let fields = [("model".to_owned(), copy.path("").to_string_lossy().into_owned()), (field.to_owned(), value.to_owned())];
        let recipe = Recipe::parse("sample", &fields).unwrap();
        let end = experiment::run(&recipe, &mut Models::default(), None, &mut |_| Ok(ControlFlow::Continue(())));
        let error = format!("{:#}", end.err().unwrap());
        assert!(error.contains("timestep"), "{value}: {error}");
    }
}

#[test]
fn pickles_are_refused_with_the_reason() {
    let copy = Copy::new();
    let weights = copy.path("unet/diffusion_pytorch_model.safetensors");
    fs::rename(&weights, weights.with_extension("bin")).unwrap();
    assert!(copy.error().contains("can run code"), "{}", copy.error());
}

#[test]
fn shards_are_read_by_their_index_and_never_from_elsewhere() {
    let copy = Copy::new();
    let whole = copy.path("unet/diffusion_pytorch_model.safetensors");
    let tensors = candle_core::safetensors::load(&whole, &candle_core::Device::Cpu).unwrap();
    fs::remove_file(&whole).unwrap();
    let (mut map, mut halves) = (serde_json::Map::new(), [std::collections::HashMap::new(), std::collections::HashMap::new()]);
    for (i, (name, tensor)) in tensors.into_iter().enumerate() {
        map.insert(name.clone(), format!("shard-{}.safetensors", i % 2).into());
        halves[i % 2].insert(name, tensor);
    }
    for (i, half) in halves.iter().enumerate() {
        candle_core::safetensors::save(half, copy.path(&format!("unet/shard-{i}.safetensors"))).unwrap();
    }
    let index = copy.path("unet/diffusion_pytorch_model.safetensors.index.json");
    fs::write(&index, serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    assert!(Models::default().get(&copy.model(), &["a red three"]).is_ok());
    assert_eq!(info(&copy.folder()).unwrap().parts[0].parameters, info(&Folder::Embedded).unwrap().parts[0].parameters);

    fs::remove_file(copy.path("unet/shard-1.safetensors")).unwrap();
    assert!(copy.error().contains("unet/shard-1.safetensors"), "{}", copy.error());
    fs::write(&index, r#"{"weight_map": {"conv_in.weight": "../../secret.safetensors"}}"#).unwrap();
    assert!(copy.error().contains("outside of its folder"), "{}", copy.error());
}

#[test]
fn the_command_line_says_it_in_one_line_and_exits_with_two() {
    let copy = Copy::new();
    fs::remove_file(copy.path("tokenizer/tokenizer.json")).unwrap();
    let workspace = copy.0.path().join("workspace");
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_darkroom")).args(args).arg("--workspace").arg(&workspace).output().unwrap();
    for args in [
        vec!["run", "sample", "--model", &copy.path("").to_string_lossy()],
        vec!["run", "sample", "--model", "/no/such/model"],
        vec!["model", "info", "/no/such/model"],
        vec!["model", "verify", &copy.path("").to_string_lossy()],
        vec!["run", "sample", "--steps", "0"],
        vec!["run", "sample", "--promt", "x"],
        vec!["run", "sample", "--sampler", "euler"],
        vec!["run", "sample", "--timesteps", "smart28"],
        vec!["run", "sample", "--seed", "1", "--seed", "2"],
        vec!["run", "sample", "--seed", "1..2", "--out", "grid.png"],
        vec!["no-such-command"],
        vec!["run", "/no/such/recipe.toml"],
    ] {
        let end = run(&args);
        let error = String::from_utf8(end.stderr).unwrap();
        assert_eq!(end.status.code(), Some(2), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{args:?}: {error}");
    }
}
