//! What becomes of the files: kept as they are, found again, and never written anew.

use super::*;
use crate::gallery::rebuild;
use crate::recipe::{Filter, Made, Mark, Today};
use image::RgbImage;

const PARAMETERS: &str = "a red fox\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 11, Size: 64x48, Model: Deliberate";

/// A picture with a chunk before its pixels, as a signature is.
fn signed() -> Vec<u8> {
    signed_by(b"c2pa manifest")
}

fn signed_by(whom: &[u8; 13]) -> Vec<u8> {
    let mut bytes = png((64, 48), &[(Chunk::Plain, "parameters", PARAMETERS)]);
    let manifest = [&b"\0\0\0\x1ejumb\0\0\0\x16jumd"[..], whom].concat();
    let mut chunk = (manifest.len() as u32).to_be_bytes().to_vec();
    let mut sum = flate2::Crc::new();
    sum.update(b"caBX");
    sum.update(&manifest);
    chunk.extend([&b"caBX"[..], &manifest, &sum.sum().to_be_bytes()].concat());
    bytes.splice(33..33, chunk);
    bytes
}

#[test]
fn a_signed_picture_stays_as_it_is_whatever_is_done_with_its_run() {
    let desk = Desk::new();
    let bytes = signed();
    assert_eq!(&bytes[37..41], b"caBX");
    let run = desk.import("signed.png", &bytes).run;
    let kept = desk.gallery.picture_path(run.id, 0);
    let same = |when: &str| assert!(fs::read(&kept).unwrap() == bytes, "after {when}");
    same("the import");
    desk.gallery.set_note(run.id, "sharp").unwrap();
    desk.gallery.mark(run.id, &Mark::Tag("fox".into())).unwrap();
    desk.gallery.thumbnail(run.id, 0, 16).unwrap();
    crate::export::export(&desk.gallery, run.id, (crate::recipe::Export::Sheet, crate::recipe::Layer::Clean), None).unwrap();
    desk.gallery.trash(&[run.id]).unwrap();
    desk.gallery.restore(&[run.id]).unwrap();
    rebuild(desk.gallery.workspace()).unwrap();
    same("notes, marks, a thumbnail, an export, the trash and a rebuild");
    let made = foreign(&run).made();
    assert!(desk.gallery.save(run.id, &made, &[RgbImage::new(8, 8)], 1).is_err(), "a finished run is not written again");
    same("an attempt to save it again");
    assert!(fs::read(desk.folder.path().join("signed.png")).unwrap() == bytes);
}

#[test]
fn a_signed_picture_stays_as_it_is_though_what_is_known_of_it_is_lost() {
    for what in ["", "program = 7 = 8"] {
        let desk = Desk::new();
        let id = desk.import("signed.png", &signed()).run.id;
        let path = desk.gallery.picture_path(id, 0);
        let kept = path.with_file_name("foreign.toml");
        if what.is_empty() {
            fs::remove_file(&kept).unwrap()
        } else {
            fs::write(&kept, what).unwrap()
        }
        rebuild(desk.gallery.workspace()).unwrap();
        let run = desk.gallery.run(id).unwrap().unwrap();
        let told = Foreign { program: "another program".into(), size: (64, 48), ..Foreign::default() };
        assert_eq!((run.state, foreign(&run)), (State::Done, &told));
        // Nor where the index does not know it either.
        desk.gallery.index(|connection| connection.execute("UPDATE runs SET origin = NULL, state = 'running'", [])).unwrap();
        let said = desk.gallery.save(id, &own_made(), &[RgbImage::new(8, 8)], 1).unwrap_err().to_string();
        assert!(said.ends_with("1.png is signed, or of another program, and stays as it is; move it away"), "{said}");
        assert!(fs::read(&path).unwrap() == signed());
    }
}

#[test]
fn a_picture_of_ours_that_somebody_has_signed_is_not_written_again() {
    let desk = Desk::new();
    let plain = own(&[]).remove(0);
    let mut both = plain.clone();
    both.splice(33..33, signed()[33..33 + 12 + 29].iter().copied());
    let run = desk.import("both.png", &both).run;
    let again = |bytes: &[u8]| {
        fs::write(desk.gallery.picture_path(run.id, 0), bytes).unwrap();
        desk.gallery.index(|connection| connection.execute("UPDATE runs SET origin = NULL, state = 'running'", [])).unwrap();
        desk.gallery.save(run.id, &own_made(), &[RgbImage::new(8, 8)], 1)
    };
    assert!(again(&both).is_err());
    assert!(again(&plain).is_ok(), "what a run that died has left is");
    assert!(again(&plain[..plain.len() / 2]).is_ok(), "and what of it is broken");
}

#[test]
fn the_same_bytes_are_one_run_under_any_name() {
    let desk = Desk::new();
    let first = desk.import("a.png", &signed());
    let again = desk.import("b.png", &signed());
    assert_eq!((again.known, again.run.id, first.known), (true, first.run.id, false));
    let other = desk.import("a.png", &signed_by(b"c2pa another!"));
    assert!(!other.known, "the same recipe and as many bytes, but others");
    let other = desk.import("c.png", &png((64, 48), &[(Chunk::Packed, "parameters", PARAMETERS)]));
    assert_eq!((other.known, desk.gallery.history("fox", None, 9).unwrap().total), (false, 3), "the same recipe in another file");
    desk.gallery.trash(&[first.run.id]).unwrap();
    assert!(!desk.import("a.png", &signed()).known, "what was deleted may come again");
}

#[test]
fn it_is_found_by_its_models_name_and_by_a_rebuild() {
    let desk = Desk::new();
    let run = desk.import("fox.png", &signed()).run;
    let found = |text: &str| desk.gallery.find(&Filter::parse(text, Today { now_ms: 0, utc_offset_s: 0 }).unwrap(), 0, 9).unwrap().runs;
    let before = found("model:deliberate seed:11 steps:20");
    assert_eq!(before, [run]);
    assert_eq!(found("model:tiny-if"), [], "it was not that one");
    fs::remove_file(desk.gallery.workspace().join("darkroom.db")).unwrap();
    let Desk { folder, gallery } = desk;
    drop(gallery);
    let gallery = Gallery::open(&folder.path().join("workspace")).unwrap().0;
    let after = gallery.find(&Filter::parse("model:deliberate", Today { now_ms: 0, utc_offset_s: 0 }).unwrap(), 0, 9).unwrap().runs;
    assert_eq!(after.iter().map(|run| Run { created_ms: before[0].created_ms, ..run.clone() }).collect::<Vec<_>>(), before);
}

fn own_made() -> Made {
    Made {
        model: "tiny-if".into(),
        model_hash: "0123".into(),
        size: (8, 8),
        timesteps: vec![990, 500, 0],
        rng: "ChaCha12".into(),
        ..Made::default()
    }
}

/// The pictures of a run of another workspace, as their files.
fn own(fields: &[(&str, &str)]) -> Vec<Vec<u8>> {
    let fields: Vec<_> = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
    let recipe = Recipe::parse("sample", &fields).unwrap();
    let picture = |index| {
        let picture = RgbImage::from_pixel(8, 8, image::Rgb([index as u8; 3]));
        crate::gallery::encode_png(&picture, &recipe, &own_made(), index).unwrap()
    };
    (0..recipe.pictures()).map(picture).collect()
}

#[test]
fn a_picture_of_darkroom_has_its_whole_recipe() {
    let desk = Desk::new();
    let own = own(&[("prompt", "a blue seven"), ("seed", "7"), ("sampler", "ddim"), ("timesteps", "990,500,0")]);
    let imported = desk.import("seven.png", &own[0]);
    let run = &imported.run;
    assert_eq!(run.recipe, read_back(&own[0]));
    assert_eq!((foreign(run).program.as_str(), foreign(run).unmapped.len(), run.step), ("darkroom", 0, 3));
    assert!(imported.fields.contains(&"timesteps".to_owned()));
    let made: String = desk.gallery.index(|connection| connection.query_row("SELECT made FROM runs", [], |row| row.get(0))).unwrap();
    assert_eq!(serde_json::from_str::<Made>(&made).unwrap(), own_made());
    assert!(fs::read(desk.gallery.picture_path(run.id, 0)).unwrap() == own[0]);
    assert!(desk.import("seven again.png", &own[0]).known);
}

fn read_back(bytes: &[u8]) -> Recipe {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.png");
    fs::write(&path, bytes).unwrap();
    crate::gallery::read_png_recipe(&path).unwrap().0
}

#[test]
fn the_other_pictures_of_a_run_are_found_by_their_names_among_any_number() {
    let desk = Desk::new();
    let named = desk.folder.path().join("named");
    fs::create_dir(&named).unwrap();
    (0..12_000).for_each(|number| fs::write(named.join(format!("a{number}.png")), b"").unwrap());
    for (number, bytes) in (1..).zip(own(&[("count", "3")])) {
        fs::write(named.join(format!("seed-7-{number}.png")), bytes).unwrap();
    }
    assert!(!desk.gallery.import(&named.join("seed-7-2.png")).unwrap().known);
    let alone = named.join("alone.png");
    fs::write(&alone, &own(&[("count", "2")])[0]).unwrap();
    let said = crate::words::sentence(&desk.gallery.import(&alone).unwrap_err());
    assert!(said.contains("picture 2 is not among the 4096 pictures beside it that were looked at; move those"), "{said}");
}

#[test]
fn a_run_of_several_pictures_comes_with_all_of_them() {
    let desk = Desk::new();
    let own = own(&[("count", "3")]);
    let alone = desk.refusal(&own[1]);
    assert_eq!(alone, "it is picture 2 of 3 of its run, and picture 1 is not beside it");
    desk.file("x.png", b"no picture at all");
    desk.file("one.png", &own[0]);
    desk.file("three.png", &own[2]);
    let run = desk.import("two.png", &own[1]).run;
    let kept: Vec<_> = (0..3).map(|index| fs::read(desk.gallery.picture_path(run.id, index)).unwrap()).collect();
    assert!(kept == own);
    let third = desk.gallery.import(&desk.folder.path().join("three.png")).unwrap();
    assert_eq!((third.known, third.run.id), (true, run.id), "it came with the other");
}
