//! The queue and the search.

use super::*;
use crate::recipe::{Filter, Today};
use proptest::prelude::*;

#[test]
fn a_run_goes_through_the_queue_into_the_history() {
    let (_folder, gallery) = workspace();
    let run = gallery.submit(&ask(&[("prompt", "a red three"), ("seed", "7")])).unwrap().remove(0);
    assert_eq!((run.id, run.state, run.grid), (RunId(1), State::Queued, None));
    assert_eq!(gallery.queue().unwrap(), std::slice::from_ref(&run));
    assert_eq!(gallery.take_next().unwrap().unwrap().state, State::Running);
    assert_eq!(gallery.take_next().unwrap(), None);
    gallery.set_step(run.id, 12, 34).unwrap();
    assert_eq!(gallery.run(run.id).unwrap().map(|run| (run.step, run.of)), Some((12, 34)));
    std::fs::write(gallery.checkpoint_path(run.id), "half a picture").unwrap();
    let done = gallery.save(run.id, &made(), &[picture(1)], 820).unwrap();
    assert_eq!((done.state, done.step, done.of, done.took_ms), (State::Done, 34, 34, Some(820)));
    assert!(!gallery.checkpoint_path(run.id).exists());
    assert_eq!(gallery.queue().unwrap(), []);
    assert_eq!(gallery.history("", None, 10).unwrap().runs, [done]);
}

#[test]
fn every_cell_of_a_grid_is_a_run_of_its_own() {
    let (_folder, gallery) = workspace();
    let grid = ask(&[("guidance", "1,3"), ("seed", "1..2")]);
    let runs = gallery.submit(&grid).unwrap();
    assert_eq!(ids(&runs), [1, 2, 3, 4]);
    assert!(runs.iter().all(|run| run.grid == Some(RunId(1))));
    assert_eq!(runs.iter().map(|run| run.recipe.clone()).collect::<Vec<_>>(), grid.recipes);
    assert_eq!(gallery.queue().unwrap(), runs);
}

#[test]
fn a_grid_that_contradicts_itself_is_refused() {
    let (_folder, gallery) = workspace();
    let mut grid = ask(&[("seed", "1..3")]);
    grid.recipes.pop();
    assert_eq!(gallery.submit(&grid).unwrap_err().to_string(), "the grid's lists do not make its 2 cells");
    grid.recipes.clear();
    assert!(gallery.submit(&grid).is_err());
    assert_eq!(gallery.queue().unwrap(), []);
}

#[test]
fn failed_runs_stay_in_sight_and_go_to_the_tail_when_resumed() {
    let (_folder, gallery) = workspace();
    gallery.submit(&ask(&[("seed", "1..3")])).unwrap();
    gallery.take_next().unwrap();
    let failed = gallery.set_state(RunId(1), State::Failed, Some("out of memory")).unwrap();
    assert_eq!(failed.error.as_deref(), Some("out of memory"));
    assert_eq!(ids(&gallery.queue().unwrap()), [1, 2, 3]);
    gallery.set_state(RunId(1), State::Queued, None).unwrap();
    assert_eq!(ids(&gallery.queue().unwrap()), [2, 3, 1]);
}

#[test]
fn only_the_last_failures_crowd_the_queue() {
    let (_folder, gallery) = workspace();
    let runs = gallery.submit(&ask(&[("seed", "1..30")])).unwrap();
    for run in &runs {
        gallery.set_state(run.id, State::Cancelled, None).unwrap();
    }
    assert_eq!(gallery.queue().unwrap().len(), 20);
}

#[test]
fn done_is_final_and_only_saving_makes_it() {
    let (_folder, gallery) = workspace();
    let run = finish_one(&gallery, "a red three");
    assert_eq!(gallery.set_state(run.id, State::Cancelled, None).unwrap_err().to_string(), "run 1 is done");
    assert_eq!(gallery.run(run.id).unwrap(), Some(run));
    gallery.submit(&ask(&[])).unwrap();
    assert!(gallery.set_state(RunId(2), State::Done, None).is_err());
    assert!(gallery.save(RunId(2), &made(), &[picture(1), picture(2)], 1).is_err(), "it asks for one picture");
    assert_eq!(gallery.set_state(RunId(9), State::Failed, None).unwrap_err().to_string(), "there is no run 9");
    assert!(gallery.save(RunId(9), &made(), &[picture(1)], 1).is_err());
}

#[test]
fn an_engine_leaves_the_runs_of_another_process_alone_while_that_lives() {
    let (folder, engine) = workspace();
    let process = open(folder.path());
    process.adopt(&ask(&[("seed", "1,2")])).unwrap();
    process.set_state(RunId(1), State::Running, None).unwrap();
    assert_eq!(engine.take_next().unwrap(), None);
    assert_eq!(engine.recover().unwrap().interrupted, []);
    assert_eq!(states(&engine.queue().unwrap()), [(1, State::Running), (2, State::Queued)]);
    process.save(RunId(1), &made(), &[picture(1)], 5).unwrap();
    drop(process);
    assert_eq!(states(&engine.recover().unwrap().interrupted), [(2, State::Interrupted)]);
    engine.set_state(RunId(2), State::Queued, None).unwrap();
    assert_eq!(engine.take_next().unwrap().unwrap().id, RunId(2));
}

#[test]
fn only_its_own_process_claims_an_adopted_run_and_only_once() {
    let (folder, engine) = workspace();
    let process = open(folder.path());
    process.adopt(&ask(&[("seed", "1,2")])).unwrap();
    engine.submit(&ask(&[])).unwrap();
    assert_eq!(process.claim(RunId(1)).unwrap().unwrap().state, State::Running);
    assert_eq!([1, 3, 9].map(|id| process.claim(RunId(id)).unwrap()), [None, None, None]);
    assert_eq!([1, 2, 3].map(|id| engine.is_owned(RunId(id)).unwrap()), [true, true, false]);
    assert_eq!(states(&engine.cancel_all(&[]).unwrap()), [(3, State::Cancelled)], "the others belong to somebody");
    assert_eq!(engine.release_orphans().unwrap(), []);
    drop(process);
    assert_eq!(states(&engine.release_orphans().unwrap()), [(1, State::Interrupted), (2, State::Interrupted)]);
    assert_eq!(engine.claim(RunId(2)).unwrap(), None);
}

#[test]
fn everything_that_waits_is_cancelled_at_once() {
    let (_folder, gallery) = workspace();
    gallery.submit(&ask(&[("seed", "1..3")])).unwrap();
    let running = gallery.take_next().unwrap().unwrap().id;
    assert_eq!(ids(&gallery.cancel_all(&[running]).unwrap()), [2, 3]);
    assert_eq!(states(&gallery.queue().unwrap()), [(1, State::Running), (2, State::Cancelled), (3, State::Cancelled)]);
    assert_eq!(ids(&gallery.cancel_all(&[]).unwrap()), [1]);
}

#[test]
fn numbers_are_never_used_again() {
    let (folder, gallery) = workspace();
    gallery.submit(&ask(&[("seed", "1..3")])).unwrap();
    gallery.index(|connection| connection.execute("DELETE FROM runs", [])).unwrap();
    std::fs::remove_dir_all(folder.path().join("runs")).unwrap();
    assert_eq!(gallery.submit(&ask(&[])).unwrap()[0].id, RunId(4));
    // Nor is the number of a folder that came from elsewhere.
    std::fs::create_dir(folder.path().join("runs/000006")).unwrap();
    assert_eq!(ids(&gallery.submit(&ask(&[("seed", "1,2,3")])).unwrap()), [7, 8, 9]);
}

#[test]
fn processes_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let folder = folder.path().to_owned();
            std::thread::spawn(move || {
                let gallery = open(&folder);
                for _ in 0..8 {
                    gallery.submit(&ask(&[("seed", "1,2")])).unwrap();
                    let run = gallery.take_next().unwrap().unwrap();
                    gallery.set_step(run.id, 1, 34).unwrap();
                    gallery.save(run.id, &made(), &[picture(1)], 1).unwrap();
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    let gallery = open(folder.path());
    assert_eq!(gallery.history("", None, 100).unwrap().total, 32, "each run was taken once");
    assert_eq!(gallery.queue().unwrap().len(), 32);
}

#[test]
fn history_is_searched_and_paged() {
    let (_folder, gallery) = workspace();
    for prompt in ["a red three", "a blue three", "Ein rotes Schloß, Café", "a 🐱 in a box", "\"quoted\" C++ -O3"] {
        finish_one(&gallery, prompt);
    }
    let found = |search: &str| ids(&gallery.history(search, None, 10).unwrap().runs);
    assert_eq!(found("three"), [2, 1]);
    assert_eq!(found("THR re"), [1], "every word, each as a prefix, whatever its case");
    assert_eq!(found("cafe schloß"), [3]);
    assert_eq!(found("🐱"), [4]);
    assert_eq!(found("-O3 \"quoted"), [5]);
    assert!(found("red OR blue").is_empty(), "OR is a word, not syntax");
    assert!(found("prompt:red").is_empty());
    assert_eq!(found(" *** \u{0} \" "), [5, 4, 3, 2, 1], "punctuation is no word");
    let page = gallery.history("three", Some(RunId(2)), 10).unwrap();
    assert_eq!((ids(&page.runs), page.total), (vec![1], 2));
    let page = gallery.history("", Some(RunId(5)), 2).unwrap();
    assert_eq!((ids(&page.runs), page.total), (vec![4, 3], 5));
}

#[test]
fn a_queued_run_is_not_history() {
    let (_folder, gallery) = workspace();
    gallery.submit(&ask(&[("prompt", "a red three")])).unwrap();
    assert_eq!(gallery.history("red", None, 10).unwrap().total, 0);
}

#[test]
fn signs_that_the_index_leaves_out_say_nothing() {
    let (_folder, gallery) = workspace();
    finish_one(&gallery, "3 × 4 → 12, ≥ 10 €");
    finish_one(&gallery, "a red three");
    let found = |text: &str| ids(&gallery.history(text, None, 10).unwrap().runs);
    assert_eq!((found("3 × 4 → 12, ≥ 10 €"), found("red →"), found("→")), (vec![1], vec![2], vec![2, 1]));
    let find = |text: &str| {
        let filter = Filter::parse(text, Today { now_ms: 0, utc_offset_s: 0 }).unwrap();
        ids(&gallery.find(&filter, 0, 10).unwrap().runs)
    };
    assert_eq!((find("-→"), find("-→ red"), find("-→ -red"), find("\"→\" red")), (vec![2, 1], vec![2], vec![1], vec![2]));
}

#[test]
fn pace_is_that_of_the_last_run_with_the_model() {
    let (_folder, gallery) = workspace();
    assert_eq!(gallery.pace_ms("tiny-if").unwrap(), None);
    for took_ms in [660, 330] {
        gallery.submit(&ask(&[])).unwrap();
        let run = gallery.take_next().unwrap().unwrap();
        gallery.save(run.id, &made(), &[picture(1)], took_ms).unwrap();
    }
    // 33 timesteps call the model, twice each for guidance.
    assert_eq!(gallery.pace_ms("tiny-if").unwrap(), Some(5.0));
    assert_eq!(gallery.pace_ms("another").unwrap(), None);
    gallery.submit(&grid_of("forward", &[])).unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    gallery.save(run.id, &made(), &vec![picture(1); run.recipe.pictures()], 9).unwrap();
    assert_eq!(gallery.pace_ms("tiny-if").unwrap(), Some(5.0), "a run that calls no model tells nothing");
    gallery.index(|connection| connection.execute("UPDATE sqlite_sequence SET seq = 9000", [])).unwrap();
    finish(&gallery, &ask(&[("model", "/a/folder")]));
    assert_eq!(gallery.pace_ms("tiny-if").unwrap(), None, "the search for it ends");
}

#[test]
fn a_recipe_from_the_future_is_left_out_and_never_started() {
    let (_folder, gallery) = workspace();
    finish_one(&gallery, "a red three");
    gallery.submit(&ask(&[("seed", "1,2")])).unwrap();
    let future = "UPDATE runs SET recipe = '{\"experiment\":\"dream\"}' WHERE id IN (1, 2)";
    gallery.index(|connection| connection.execute(future, [])).unwrap();
    assert_eq!(gallery.history("", None, 10).unwrap().runs, []);
    assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_prompt_is_found_by_each_of_its_words(prompt in any::<String>(), search in any::<String>()) {
        let (_folder, gallery) = workspace();
        let run = finish_one(&gallery, &prompt);
        prop_assert_eq!(&run.recipe.prompt(), &prompt);
        gallery.history(&search, None, 10).unwrap();
        let words = prompt.split(|c: char| c.is_whitespace() || c.is_control());
        for word in words.filter(|word| word.chars().any(|c| c.is_ascii_alphanumeric())) {
            prop_assert_eq!(gallery.history(word, None, 10).unwrap().total, 1, "{:?}", word);
        }
    }

    #[test]
    fn a_prompt_is_found_by_its_own_text(text in "([a-z×÷→≥€£´¨✓☃🐱三éا्ा\u{301}\u{200d}\u{a0}.,'\"*()+-] ?){0,12}|\\PC{0,20}") {
        let (_folder, gallery) = workspace();
        finish_one(&gallery, &text);
        prop_assert_eq!(gallery.history(&text, None, 10).unwrap().total, 1);
    }
}
