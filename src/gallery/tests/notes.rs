//! Notes on runs.

use super::*;

#[test]
fn a_note_is_found_with_the_words_of_the_prompt_and_survives_a_rebuild() {
    let (folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    assert_eq!(gallery.set_note(RunId(1), " richer detail\n").unwrap().note.as_deref(), Some("richer detail"));
    let found = |search: &str| gallery.history(search, None, 10).unwrap().total;
    assert_eq!((found("richer three"), found("poorer")), (1, 0));
    Gallery::rebuild(folder.path()).unwrap();
    assert_eq!(gallery.run(RunId(1)).unwrap().unwrap().note.as_deref(), Some("richer detail"));
    gallery.set_note(RunId(1), "").unwrap();
    assert_eq!((found("richer"), found("three")), (0, 1));
    assert!(gallery.set_note(RunId(1), &"x".repeat(70_000)).unwrap_err().to_string().contains("at most 64 kB"));
    assert_eq!(gallery.set_note(RunId(9), "x").unwrap_err().to_string(), "there is no run 9");
}
