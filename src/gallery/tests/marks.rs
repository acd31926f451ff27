//! Stars, ratings and tags.

use super::*;
use crate::recipe::{Filter, Foreign, Mark, Marks};
use std::fs;

fn tag(word: &str) -> Mark {
    Mark::Tag(word.into())
}

#[test]
fn marks_are_kept_beside_the_pictures_and_survive_a_rebuild() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1,2")]));
    for mark in [Mark::Star(true), Mark::Rate(4), tag("cat"), tag("Étude"), tag("cat")] {
        gallery.mark(RunId(1), &mark).unwrap();
    }
    let marks = Marks { star: true, rating: 4, tags: vec!["Étude".into(), "cat".into()] };
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().marks, marks);
    let before = gallery.history("", None, 9).unwrap().runs;
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 2, skipped: 0 });
    drop(gallery);
    fs::remove_file(folder.path().join("darkroom.db")).unwrap();
    let gallery = Gallery::open(folder.path()).unwrap().0;
    assert_eq!(gallery.history("", None, 9).unwrap().runs, before);
    assert_eq!(gallery.history("étu", None, 9).unwrap().total, 1);
    for mark in [Mark::Star(false), Mark::Rate(0), Mark::Untag("cat".into()), Mark::Untag("Étude".into())] {
        gallery.mark(RunId(1), &mark).unwrap();
    }
    assert!(gallery.run(RunId(1)).unwrap().unwrap().marks.is_empty());
    assert!(!folder.path().join("runs/000001/marks.toml").exists());
    assert_eq!(gallery.find(&Filter::parse("#cat", crate::recipe::Today { now_ms: 0, utc_offset_s: 0 }).unwrap(), 0, 9).unwrap().total, 0);
}

#[test]
fn a_tag_is_found_in_whatever_case() {
    let (_folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1..5")]));
    for (id, word) in [(1, "Étude"), (2, "étude"), (3, "ÉTUDE"), (4, "étudE"), (5, "Etude")] {
        gallery.mark(RunId(id), &tag(word)).unwrap();
    }
    let found = |text: &str| {
        let filter = Filter::parse(text, crate::recipe::Today { now_ms: 0, utc_offset_s: 0 }).unwrap();
        ids(&gallery.find(&filter, 0, 9).unwrap().runs)
    };
    for typed in ["#étude", "#ÉTUDE", "tag:ÉtuDe"] {
        assert_eq!(found(typed), [4, 3, 2, 1], "{typed}");
    }
    assert_eq!((found("-#étude"), found("#eTUDE"), found("#none")), (vec![5], vec![5], vec![]));
}

#[test]
fn a_mark_that_is_none_changes_nothing() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    gallery.mark(RunId(1), &tag("cat")).unwrap();
    for (id, mark, said) in [(1, Mark::Rate(6), "a rating is 1 to 5, or 0 for none"), (9, Mark::Star(true), "there is no run 9")] {
        assert_eq!(gallery.mark(RunId(id), &mark).unwrap_err().to_string(), said);
    }
    assert!(gallery.mark(RunId(1), &tag("two words")).unwrap_err().to_string().starts_with("a tag is one word"));
    assert!(!folder.path().join("runs/000009").exists());
    // Where the file cannot be written, the index does not say otherwise.
    fs::remove_file(folder.path().join("runs/000001/marks.toml")).unwrap();
    fs::create_dir(folder.path().join("runs/000001/marks.toml")).unwrap();
    assert!(gallery.mark(RunId(1), &tag("dog")).is_err());
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().marks.tags, ["cat"]);
}

#[test]
fn of_marks_that_were_written_by_hand_the_sound_ones_count() {
    let (folder, gallery) = workspace();
    finish(&gallery, &ask(&[("seed", "1,2")]));
    let write = |run: u32, text: &str| fs::write(folder.path().join(format!("runs/00000{run}/marks.toml")), text).unwrap();
    write(1, "star = true\nrating = 9\ntags = [\"cat\", \"two words\", \"\\u001b[2J\", \"cat\"]\n");
    write(2, "star = maybe");
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 2, skipped: 4 });
    let marks = |id| gallery.run(RunId(id)).unwrap().unwrap().marks;
    assert_eq!(marks(1), Marks { star: true, rating: 0, tags: vec!["cat".into()] });
    assert_eq!(marks(2), Marks::default());
}

#[test]
fn where_a_picture_was_brought_in_from_survives_a_rebuild() {
    let (folder, gallery) = workspace();
    let run = finish_one(&gallery, "a red three");
    let foreign = Foreign {
        program: "ComfyUI".into(),
        file: "00042.png".into(),
        model: Some("dream".into()),
        size: (512, 768),
        unmapped: vec!["sampler: euler".into()],
    };
    gallery.write_recipe(&Run { foreign: Some(Box::new(foreign.clone())), ..run }).unwrap();
    assert_eq!(rebuild(folder.path()).unwrap(), Rebuilt { runs: 1, skipped: 0 });
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().foreign, Some(Box::new(foreign)));
}

#[test]
fn two_who_mark_at_once_do_not_undo_one_another() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    let workers: Vec<_> = ["a", "b", "c"]
        .map(|who| {
            let folder = folder.path().to_owned();
            std::thread::spawn(move || {
                let gallery = open(&folder);
                (0..8).for_each(|n| _ = gallery.mark(RunId(1), &tag(&format!("{who}{n}"))).unwrap());
            })
        })
        .into();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().marks.tags.len(), 24);
    let kept: Marks = toml::from_str(&fs::read_to_string(folder.path().join("runs/000001/marks.toml")).unwrap()).unwrap();
    assert_eq!(kept.tags.len(), 24);
}
