//! The order of the queue, holding it, and what an engine that died leaves behind.

use super::*;
use crate::recipe::Turn;
use proptest::prelude::*;

fn order(gallery: &Gallery) -> Vec<i64> {
    gallery.order().unwrap().into_iter().map(|id| id.0).collect()
}

/// A workspace in which so many runs wait.
fn waiting(runs: usize) -> (TempDir, Gallery) {
    let (folder, gallery) = workspace();
    let seeds: Vec<_> = (1..=runs).map(|seed| seed.to_string()).collect();
    gallery.submit(&ask(&[("seed", &seeds.join(","))])).unwrap();
    (folder, gallery)
}

#[test]
fn a_run_is_moved_among_those_that_wait() {
    let (folder, gallery) = waiting(5);
    for (id, turn, after) in [
        (4, Turn::First, [4, 1, 2, 3, 5]),
        (4, Turn::Earlier, [4, 1, 2, 3, 5]),
        (4, Turn::Later, [1, 4, 2, 3, 5]),
        (1, Turn::Last, [4, 2, 3, 5, 1]),
        (1, Turn::Later, [4, 2, 3, 5, 1]),
        (5, Turn::Earlier, [4, 2, 5, 3, 1]),
        (4, Turn::At(RunId(3)), [2, 5, 3, 4, 1]),
        (1, Turn::At(RunId(5)), [2, 1, 5, 3, 4]),
        (1, Turn::At(RunId(1)), [2, 1, 5, 3, 4]),
    ] {
        gallery.move_to(RunId(id), turn).unwrap();
        assert_eq!(order(&gallery), after, "{id} {turn:?}");
    }
    drop(gallery);
    let gallery = open(folder.path());
    assert_eq!(order(&gallery), [2, 1, 5, 3, 4], "another process finds it so");
    assert_eq!(ids(&gallery.queue().unwrap()), [2, 1, 5, 3, 4]);
    assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(2));
    assert_eq!(gallery.submit(&ask(&[])).unwrap()[0].id, RunId(6));
    assert_eq!(order(&gallery).last(), Some(&6), "what comes new is last");
}

#[test]
fn only_what_waits_has_a_place() {
    let (folder, gallery) = waiting(3);
    gallery.take_next().unwrap();
    let process = open(folder.path());
    process.adopt(&ask(&[])).unwrap();
    let sentence = |id, turn| gallery.move_to(RunId(id), turn).unwrap_err().to_string();
    let refused = |id| format!("{id} does not wait; only runs that wait have a place in the queue");
    for id in [1, 4, 9] {
        assert_eq!(sentence(id, Turn::First), refused(id));
        assert_eq!(sentence(2, Turn::At(RunId(id))), refused(id));
    }
    gallery.set_state(RunId(2), State::Paused, None).unwrap();
    gallery.move_to(RunId(2), Turn::Last).unwrap();
    assert_eq!(order(&gallery), [1, 3, 2, 4], "one that is put aside changes places with those that wait");
}

#[test]
fn a_job_that_is_held_and_released_keeps_its_place_and_one_that_had_begun_goes_first() {
    let (_folder, gallery) = waiting(4);
    for (id, step) in [(2, 0), (3, 12)] {
        gallery.set_step(RunId(id), step, 34).unwrap();
        gallery.set_state(RunId(id), State::Paused, None).unwrap();
    }
    gallery.set_state(RunId(2), State::Queued, None).unwrap();
    assert_eq!(order(&gallery), [1, 2, 3, 4]);
    gallery.set_state(RunId(3), State::Queued, None).unwrap();
    assert_eq!(order(&gallery), [3, 1, 2, 4]);
    gallery.set_state(RunId(1), State::Failed, Some("out of memory")).unwrap();
    gallery.set_state(RunId(1), State::Queued, None).unwrap();
    assert_eq!(order(&gallery), [3, 2, 4, 1]);
}

#[test]
fn while_the_queue_is_held_nothing_begins_in_any_process() {
    let (folder, gallery) = waiting(2);
    assert!(!gallery.is_queue_held().unwrap());
    gallery.hold_queue(true).unwrap();
    gallery.hold_queue(true).unwrap();
    let other = open(folder.path());
    assert!(other.is_queue_held().unwrap());
    assert_eq!((gallery.take_next().unwrap(), other.take_next().unwrap()), (None, None));
    let mut own = other.adopt(&ask(&[])).unwrap();
    assert!(other.claim(own.remove(0).id).unwrap().is_some(), "the queue is the engine's; a process of its own goes on");
    other.hold_queue(false).unwrap();
    assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(1));
}

#[test]
fn what_ran_when_the_engine_died_waits_to_be_asked_and_holds_the_queue() {
    let (folder, gallery) = waiting(4);
    assert_eq!(gallery.recover().unwrap(), Left { interrupted: vec![], held: false });
    gallery.take_next().unwrap();
    gallery.take_next().unwrap();
    gallery.set_step(RunId(1), 12, 34).unwrap();
    drop(gallery);

    let gallery = open(folder.path());
    let left = gallery.recover().unwrap();
    assert_eq!((states(&left.interrupted), left.held), (vec![(1, State::Interrupted), (2, State::Interrupted)], true));
    let why: Vec<_> = left.interrupted.iter().map(|run| run.error.as_deref().unwrap()).collect();
    assert_eq!(why, ["the engine died at step 12; Enter goes on", "the engine died before its first step; Enter starts it"]);
    assert_eq!((gallery.take_next().unwrap(), gallery.waiting().unwrap()), (None, 2));

    for id in [2, 1] {
        assert_eq!(gallery.set_state(RunId(id), State::Queued, None).unwrap().error, None);
    }
    gallery.hold_queue(false).unwrap();
    assert_eq!(order(&gallery), [1, 2, 3, 4]);
    assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(1), "asked, it goes on before the others");
}

#[test]
fn the_queue_is_not_held_where_nothing_waits_or_the_engine_ended_in_order() {
    let (folder, gallery) = waiting(1);
    gallery.recover().unwrap();
    gallery.take_next().unwrap();
    let left = open(folder.path()).recover().unwrap();
    assert_eq!((ids(&left.interrupted), left.held), (vec![1], false), "nothing else waits");
    gallery.set_state(RunId(1), State::Queued, None).unwrap();
    gallery.sign_off().unwrap();
    assert_eq!(gallery.recover().unwrap(), Left { interrupted: vec![], held: false });
    assert_eq!(gallery.take_next().unwrap().unwrap().id, RunId(1));
}

#[test]
fn an_engine_that_died_between_two_runs_holds_the_queue_too() {
    let (folder, gallery) = waiting(2);
    gallery.recover().unwrap();
    let run = gallery.take_next().unwrap().unwrap();
    gallery.save(run.id, &made(), &[picture(1)], 5).unwrap();
    drop(gallery);
    let gallery = open(folder.path());
    assert_eq!(gallery.recover().unwrap(), Left { interrupted: vec![], held: true });
    assert_eq!(gallery.take_next().unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn moves_lose_nobody_and_disturb_nobody_elses_order(
        places in prop::collection::vec(0i64..4, 6),
        moves in prop::collection::vec((1i64..7, 0usize..5, 1i64..7), 1..8),
    ) {
        let (_folder, gallery) = waiting(6);
        // As a rebuild may leave them: several with the same place.
        for (id, place) in (1..).zip(&places) {
            gallery.index(|connection| connection.execute("UPDATE runs SET place = ?2 WHERE id = ?1", params![id, place])).unwrap();
        }
        for (id, turn, other) in moves {
            let turn = [Turn::First, Turn::Earlier, Turn::Later, Turn::Last, Turn::At(RunId(other))][turn];
            let before = order(&gallery);
            gallery.move_to(RunId(id), turn).unwrap();
            let after = order(&gallery);
            let rest = |order: &[i64]| order.iter().copied().filter(|run| *run != id).collect::<Vec<_>>();
            prop_assert_eq!(rest(&before), rest(&after));
            let at = |order: &[i64], id| order.iter().position(|run| *run == id).unwrap();
            let from = at(&before, id);
            let to = match turn {
                Turn::First => 0,
                Turn::Earlier => from.saturating_sub(1),
                Turn::Later => (from + 1).min(5),
                Turn::Last => 5,
                Turn::At(other) => at(&before, other.0),
            };
            prop_assert_eq!(at(&after, id), to);
        }
    }
}
