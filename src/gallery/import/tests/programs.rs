//! One picture of each program.

use super::*;

#[test]
fn a1111() {
    let desk = Desk::new();
    let text = "portrait of a red fox, <lora:fur:0.8>, Bokeh: strong\nsecond line\n\
        Negative prompt: blurry, lowres\nworst quality\n\
        Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 2814749767, Size: 64x48, Model hash: 6ce0161689, \
        Model: v1-5-pruned-emaonly, VAE hash: c6a580b13a, Denoising strength: 0.7, Lora hashes: \"fur: 1a2b3c, eye: \\\"x\\\"\", \
        RNG: CPU, Version: v1.10.1";
    let imported = desk.import("00012-2814749767.png", &png((64, 48), &[(Chunk::Plain, "parameters", text)]));
    let run = &imported.run;
    let prompt = "portrait of a red fox, <lora:fur:0.8>, Bokeh: strong\nsecond line";
    let told = pairs(&[("prompt", prompt), ("steps", "28"), ("guidance", "6.5"), ("seed", "2814749767")]);
    assert_eq!(sorted(fields(run)), told);
    assert_eq!((imported.fields, imported.known), (["prompt", "seed", "steps", "guidance"].map(str::to_owned).to_vec(), false));
    assert_eq!((run.state, run.took_ms, run.step), (State::Done, None, 0));
    let foreign = foreign(run);
    assert_eq!((foreign.program.as_str(), foreign.file.as_str(), foreign.size), ("A1111", "00012-2814749767.png", (64, 48)));
    assert_eq!(foreign.model.as_deref(), Some("v1-5-pruned-emaonly"));
    let unmapped = [
        "model: v1-5-pruned-emaonly",
        "size: 64x48",
        "negative prompt: blurry, lowres\nworst quality",
        "Sampler: DPM++ 2M",
        "Schedule type: Karras",
        "Model hash: 6ce0161689",
        "VAE hash: c6a580b13a",
        "Denoising strength: 0.7",
        "Lora hashes: fur: 1a2b3c, eye: \"x\"",
        "RNG: CPU",
        "Version: v1.10.1",
    ];
    assert_eq!(foreign.unmapped, unmapped);
}

#[test]
fn a1111_without_what_others_have() {
    let desk = Desk::new();
    // No negative prompt, a size that was enlarged later, a seed that no field here takes; as iTXt, for the prompt is not Latin-1.
    let text = "雪の中の狐\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 18446744073709551615, Size: 32x24, Hires upscale: 2";
    let run = desk.told("parameters", text).run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "雪の中の狐"), ("steps", "20")]));
    assert_eq!(run.recipe.guidance(), Some(7.0));
    let unmapped = ["seed: 18446744073709551615", "size: 32x24", "Sampler: Euler a", "Hires upscale: 2"];
    assert_eq!((foreign(&run).unmapped.as_slice(), foreign(&run).model.as_deref()), (unmapped.map(str::to_owned).as_slice(), None));

    // A last line with too few pairs belongs to the prompt.
    let run = desk.told("parameters", "a barn\nred: very, blue: not").run;
    assert_eq!((run.recipe.prompt().as_str(), foreign(&run).unmapped.join(", ")), ("a barn\nred: very, blue: not", "size: 64x48".into()));
    // Nothing but numbers: the prompt is empty, and not what a form begins with.
    let run = desk.told("parameters", "Steps: 20, Sampler: Euler a, CFG scale: 7").run;
    assert_eq!(run.recipe.prompt(), "");
}

#[test]
fn values_out_of_a_fields_range_are_listed_and_not_bent() {
    let desk = Desk::new();
    let run = desk.told("parameters", "x\nSteps: 1001, CFG scale: 101, Seed: -1, Size: 64x48").run;
    assert_eq!(foreign(&run).unmapped, ["seed: -1", "steps: 1001", "guidance: 101", "size: 64x48"]);
    assert_eq!(fields(&run), pairs(&[("prompt", "x")]));
    let long = "x".repeat(70_000);
    let run = desk.told("parameters", &format!("{long}\nSteps: 5, CFG scale: 7, Seed: 1")).run;
    let kept = &foreign(&run).unmapped[0];
    assert_eq!((run.recipe.prompt().as_str(), kept.chars().count()), ("", "prompt: ".len() + 2000 + 1));
}

#[test]
fn a_long_list_ends_with_how_much_more_there_was() {
    let desk = Desk::new();
    let pairs: Vec<_> = (0..150).map(|number| format!("Extra {number}: {number}")).collect();
    let run = desk.told("parameters", &format!("x\nSteps: 5, Model: dream, {}", pairs.join(", "))).run;
    let unmapped = &foreign(&run).unmapped;
    assert_eq!((unmapped.len(), unmapped[0].as_str(), unmapped[2].as_str()), (100, "model: dream", "Extra 0: 0"));
    assert_eq!(unmapped[99], "… and 53 more", "of 152");
}

#[test]
fn stable_diffusion_cpp() {
    let desk = Desk::new();
    let text = "a red cube, Seed: 1, SDCPP: {fake}\nNegative prompt: \u{fc}gly\nSteps: 9, CFG scale: 1.000000, Guidance: 3.500000, Eta: 0.000000, \
        Seed: 9, Size: 64x48, Model: wrong.safetensors, RNG: cuda, Sampler: euler, Version: stable-diffusion.cpp, SDCPP: \
        {\"schema\":\"sdcpp.image.params/v1\",\"mode\":\"img_gen\",\"generator\":{\"name\":\"stable-diffusion.cpp\",\"commit\":\"b290693\"},\
        \"seed\":1375127038,\"width\":64,\"height\":48,\"prompt\":{\"positive\":\"a red cube, Seed: 1, SDCPP: {fake}\",\"negative\":\"\u{fc}gly\"},\
        \"sampling\":{\"steps\":30,\"eta\":0,\"method\":\"dpm++2mv2\",\"scheduler\":\"karras\",\
        \"guidance\":{\"txt_cfg\":5,\"img_cfg\":5,\"distilled_guidance\":3.5}},\"models\":{\"model\":\"v1-5.safetensors\"},\"strength\":0.75}";
    // It writes UTF-8 where PNG wants Latin-1.
    let latin1: String = text.bytes().map(char::from).collect();
    let run = desk.told("parameters", &latin1).run;
    let told = pairs(&[("prompt", "a red cube, Seed: 1, SDCPP: {fake}"), ("steps", "30"), ("guidance", "5.0"), ("seed", "1375127038")]);
    assert_eq!(sorted(fields(&run)), told);
    let foreign = foreign(&run);
    assert_eq!((foreign.program.as_str(), foreign.model.as_deref()), ("stable-diffusion.cpp", Some("v1-5.safetensors")));
    let unmapped = [
        "model: v1-5.safetensors",
        "size: 64x48",
        "negative prompt: üngly",
        "sampler: dpm++2mv2",
        "scheduler: karras",
        "mode: img_gen",
        "distilled guidance: 3.5",
        "strength: 0.75",
        "Eta: 0.000000",
        "RNG: cuda",
        "Version: stable-diffusion.cpp",
    ];
    assert_eq!(foreign.unmapped, unmapped.map(|line| line.replace("üngly", "\u{fc}gly")));
    // An earlier version, without the JSON.
    let text = "a red cube\nSteps: 4, CFG scale: 1.000000, Seed: 42, Size: 64x48, Model: model.safetensors, RNG: cuda, Version: stable-diffusion.cpp";
    let run = desk.told("parameters", text).run;
    assert_eq!((run.recipe.seed(), self::foreign(&run).program.as_str()), (42, "stable-diffusion.cpp"));
}

#[test]
fn invokeai() {
    let desk = Desk::new();
    let text = r#"{"generation_mode": "txt2img", "positive_prompt": "a lighthouse", "negative_prompt": "people", "width": 64, "height": 48,
        "seed": 1375127038, "rand_device": "cpu", "cfg_scale": 7.5, "cfg_rescale_multiplier": 0, "steps": 35, "scheduler": "dpmpp_2m_k",
        "seamless_x": false, "model": {"key": "b1b2", "hash": "blake3:aa", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
        "loras": [{"model": {"name": "detail"}, "weight": 0.75}], "ref_images": [], "strength": null, "app_version": "5.6.0"}"#;
    let run =
        desk.import("a.png", &png((64, 48), &[(Chunk::Packed, "invokeai_metadata", text), (Chunk::Plain, "invokeai_graph", "{}")])).run;
    let told = pairs(&[("prompt", "a lighthouse"), ("steps", "35"), ("guidance", "7.5"), ("seed", "1375127038")]);
    assert_eq!(sorted(fields(&run)), told);
    let foreign = foreign(&run);
    assert_eq!((foreign.program.as_str(), foreign.model.as_deref()), ("InvokeAI", Some("Juggernaut XL v9")));
    let unmapped = [
        "model: Juggernaut XL v9",
        "size: 64x48",
        "negative prompt: people",
        "generation_mode: txt2img",
        "rand_device: cpu",
        "cfg_rescale_multiplier: 0",
        "scheduler: dpmpp_2m_k",
        "seamless_x: false",
        "loras: [{\"model\":{\"name\":\"detail\"},\"weight\":0.75}]",
        "app_version: 5.6.0",
    ];
    assert_eq!(foreign.unmapped, unmapped);
}

#[test]
fn invokeai_2_and_1() {
    let desk = Desk::new();
    let dream = "\"a castle [fog] at night\" -s 50 -S 42 -W 64 -H 48 -C 7.5 -A k_lms --hires_fix -U 2 0.75";
    let text = r#"{"model": "stable diffusion", "model_id": "stable-diffusion-1.5", "model_hash": "cc6c", "app_id": "invoke-ai/InvokeAI",
        "app_version": "2.3.5", "image": {"prompt": [{"prompt": "a castle [fog] at night", "weight": 1.0}, {"prompt": "moon", "weight": 0.5}],
        "steps": 50, "cfg_scale": 7.5, "threshold": 0, "width": 64, "height": 48, "seed": 999, "type": "txt2img", "postprocessing": null,
        "sampler": "k_lms", "variations": []}}"#;
    let run = desk.import("b.png", &png((64, 48), &[(Chunk::Plain, "Dream", dream), (Chunk::Plain, "sd-metadata", text)])).run;
    assert_eq!(
        sorted(fields(&run)),
        pairs(&[("prompt", "a castle  at night moon:0.5"), ("steps", "50"), ("guidance", "7.5"), ("seed", "999")])
    );
    assert_eq!(foreign(&run).model.as_deref(), Some("stable-diffusion-1.5"));
    let unmapped = [
        "model: stable-diffusion-1.5",
        "size: 64x48",
        "negative prompt: fog",
        "threshold: 0",
        "type: txt2img",
        "sampler: k_lms",
        "model_hash: cc6c",
        "app_version: 2.3.5",
    ];
    assert_eq!(foreign(&run).unmapped, unmapped);

    let run = desk.import("c.png", &png((64, 48), &[(Chunk::Plain, "Dream", dream)])).run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "a castle  at night"), ("steps", "50"), ("guidance", "7.5"), ("seed", "42")]));
    assert_eq!(foreign(&run).unmapped, ["size: 64x48", "negative prompt: fog", "sampler: k_lms", "--hires_fix: on", "-U: 2 0.75"]);
    let run = desk.told("Dream", "well-lit -known places -s50 -S7 -C12.5 -Ak_euler").run;
    assert_eq!(
        (run.recipe.prompt().as_str(), run.recipe.seed()),
        ("well-lit", 7),
        "as InvokeAI, it takes a dash and a letter for a switch"
    );
    let run = desk.told("Dream", "well-lit places -s50 -S7 -C12.5 -Ak_euler").run;
    assert_eq!(sorted(fields(&run)), pairs(&[("prompt", "well-lit places"), ("steps", "50"), ("guidance", "12.5"), ("seed", "7")]));
}
