//! ComfyUI's graphs, plain and crooked.

use super::*;
use serde_json::{Value, json};

/// The graph that a new ComfyUI begins with, and a second pass behind it.
fn graph() -> Value {
    json!({
        "3": {"class_type": "KSampler", "_meta": {"title": "KSampler"}, "inputs": {
            "seed": 156680208700286u64, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 48, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass bottle, galaxy", "clip": ["10", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["10", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["11", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "is_changed": ["NaN"], "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "glass.safetensors", "strength_model": 0.8, "strength_clip": 1.0,
            "model": ["4", 0], "clip": ["4", 1]}},
        "11": {"class_type": "KSampler", "inputs": {
            "seed": 1, "steps": 14, "cfg": 8.0, "sampler_name": "dpmpp_2m", "scheduler": "simple", "denoise": 0.5,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["12", 0]}},
        "12": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 64, "height": 48}}
    })
}

#[test]
fn the_first_pass_is_the_recipe_and_the_rest_is_told() {
    let desk = Desk::new();
    // Python writes numbers that JSON does not know.
    let text = graph().to_string().replace("[\"NaN\"]", "[NaN]");
    let run = desk.import("ComfyUI_00001_.png", &png((64, 48), &[(Chunk::Plain, "prompt", &text), (Chunk::Plain, "workflow", "{}")])).run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "a glass bottle, galaxy"), ("steps", "20"), ("guidance", "8.0")]));
    let foreign = foreign(&run);
    assert_eq!((foreign.program.as_str(), foreign.model.as_deref()), ("ComfyUI", Some("v1-5-pruned-emaonly.safetensors")));
    let unmapped = [
        "seed: 156680208700286",
        "model: v1-5-pruned-emaonly.safetensors",
        "size: 64x48",
        "negative prompt: text, watermark",
        "sampler: euler",
        "scheduler: normal",
        "pass 2: KSampler steps 14, cfg 8.0, denoise 0.5",
        "lora: glass.safetensors",
        "other nodes: LatentUpscale, LoraLoader",
    ];
    assert_eq!(foreign.unmapped, unmapped);
}

#[test]
fn texts_and_numbers_are_found_behind_other_nodes() {
    let desk = Desk::new();
    let flux = json!({
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0],
            "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 77}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 24, "denoise": 1.0, "model": ["7", 0]}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 48}},
        "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
        "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["9", 0]}},
        "9": {"class_type": "CLIPTextEncodeFlux", "inputs": {"clip_l": ["10", 0], "t5xxl": "a long sentence", "guidance": 3.5, "clip": ["11", 0]}},
        "10": {"class_type": "easy string", "inputs": {"value": "short words"}},
        "12": {"class_type": "SaveImage", "inputs": {"images": ["13", 0]}},
        "13": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0]}}
    });
    let run = desk.told("prompt", &flux.to_string()).run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "short words\na long sentence"), ("steps", "24"), ("seed", "77")]));
    assert_eq!(foreign(&run).model.as_deref(), Some("flux1-dev.safetensors"));
    let unmapped = [
        "model: flux1-dev.safetensors",
        "size: 64x48",
        "sampler: euler",
        "scheduler: simple",
        "guidance of the model: 3.5",
        "other nodes: CLIPTextEncodeFlux, FluxGuidance, easy string",
    ];
    assert_eq!(foreign(&run).unmapped, unmapped);

    // A control net takes both prompts and gives both; a seed comes from a node of its own; nothing is left of the negative one.
    let mut crooked = graph();
    crooked["3"]["inputs"]["seed"] = json!(["20", 0]);
    crooked["3"]["inputs"]["positive"] = json!(["21", 0]);
    crooked["3"]["inputs"]["negative"] = json!(["21", 1]);
    crooked["20"] = json!({"class_type": "Seed (rgthree)", "inputs": {"seed": 5}});
    crooked["21"] = json!({"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["22", 0], "negative": ["23", 0], "strength": 1.0,
        "control_net": ["24", 0]}});
    crooked["22"] = json!({"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["6", 0], "conditioning_2": ["25", 0]}});
    crooked["23"] = json!({"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}});
    crooked["24"] = json!({"class_type": "ControlNetLoader", "inputs": {"control_net_name": "depth.pth"}});
    crooked["25"] = json!({"class_type": "CLIPTextEncode", "inputs": {"text": "on a beach", "clip": ["4", 1]}});
    let run = desk.told("prompt", &crooked.to_string()).run;
    assert_eq!((run.recipe.prompt().as_str(), run.recipe.seed()), ("a glass bottle, galaxy\non a beach", 5));
    let unmapped = &foreign(&run).unmapped;
    assert!(!unmapped.iter().any(|line| line.starts_with("negative")), "{unmapped:?}");
    assert!(unmapped.contains(&"control net: depth.pth".to_owned()), "{unmapped:?}");
}

#[test]
fn links_that_lead_in_circles_or_nowhere_end() {
    let desk = Desk::new();
    let mut circle = graph();
    circle["6"]["inputs"]["text"] = json!(["6", 0]);
    circle["7"] = json!({"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["7", 0], "conditioning_2": ["99", 0]}});
    circle["4"]["inputs"] = json!({"model": ["10", 0]});
    let run = desk.told("prompt", &circle.to_string()).run;
    assert_eq!((run.recipe.prompt().as_str(), foreign(&run).model.as_deref()), ("", None));
    assert_eq!(run.recipe.guidance(), Some(8.0));

    // Everything is in the circle: no node is the last.
    let round = json!({
        "1": {"class_type": "KSampler", "inputs": {"seed": 3, "steps": 9, "cfg": 2, "positive": ["2", 0], "latent_image": ["3", 0]}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "round", "clip": ["1", 0]}},
        "3": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0]}}
    });
    let run = desk.told("prompt", &round.to_string()).run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "round"), ("steps", "9"), ("guidance", "2.0"), ("seed", "3")]));
}

#[test]
fn a_graph_as_it_was_drawn_is_second_best() {
    let desk = Desk::new();
    let drawn = json!({
        "last_node_id": 9, "version": 0.4,
        "nodes": [
            {"id": 3, "type": "KSampler", "mode": 0, "inputs": [
                {"name": "model", "type": "MODEL", "link": 1}, {"name": "positive", "type": "CONDITIONING", "link": 4},
                {"name": "negative", "type": "CONDITIONING", "link": 6}, {"name": "latent_image", "type": "LATENT", "link": 2},
                {"name": "steps", "type": "INT", "link": 11, "widget": {"name": "steps"}}],
             "widgets_values": [1234, "randomize", 20, 6.5, "euler", "karras", 1]},
            {"id": 4, "type": "CheckpointLoaderSimple", "inputs": [], "widgets_values": ["dream.ckpt"]},
            {"id": 6, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 3}], "widgets_values": ["drawn words"]},
            {"id": 7, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 5}], "widgets_values": ["drawn badly"]},
            {"id": 8, "type": "VAEDecode", "inputs": [{"name": "samples", "link": 7}]},
            {"id": 9, "type": "SaveImage", "inputs": [{"name": "images", "link": 9}], "widgets_values": ["ComfyUI"]},
            {"id": 10, "type": "PrimitiveNode", "widgets_values": [31, "fixed"]},
            {"id": 11, "type": "KSampler", "mode": 2, "inputs": [], "widgets_values": [9, "fixed", 9, 9, "x", "y", 1]}
        ],
        "links": [[1, 4, 0, 3, 0, "MODEL"], [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"], [7, 3, 0, 8, 0, "LATENT"],
            [9, 8, 0, 9, 0, "IMAGE"], {"id": 11, "origin_id": 10, "origin_slot": 0, "target_id": 3, "target_slot": 4}]
    });
    let run = desk.told("workflow", &drawn.to_string()).run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "drawn words"), ("steps", "31"), ("guidance", "6.5"), ("seed", "1234")]));
    let foreign = foreign(&run);
    assert_eq!((foreign.program.as_str(), foreign.model.as_deref()), ("ComfyUI", Some("dream.ckpt")));
    let unmapped = ["model: dream.ckpt", "size: 64x48", "negative prompt: drawn badly", "sampler: euler", "scheduler: karras"];
    assert_eq!(foreign.unmapped, unmapped);
}
