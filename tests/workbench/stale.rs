//! What the gallery shows stays true while the engine goes on, and what failed is asked for again.

use crate::bench::{Bench, run};
use crate::gallery::opened;
use darkroom::link::{Command, Event};
use darkroom::recipe::{Axis, Cell, Run, RunId, State, Table};

#[test]
fn a_cell_that_is_opened_before_it_is_over_is_seen_to_go_on_and_to_fail() {
    let mut bench = Bench::with_engine(120, 40);
    opened(&mut bench, &[Run { grid: Some(RunId(1)), ..run(1, "a red three", State::Done) }]);
    bench.develops(2, "a red three", 3);
    bench.keys("v");
    let ticket = bench.sent().iter().find_map(|command| if let Command::Table { ticket, .. } = command { Some(*ticket) } else { None });
    let cells = [State::Done, State::Running].into_iter().zip(1..).map(|(state, id)| Cell { run: RunId(id), state: Some(state) }).collect();
    let axes = vec![Axis { field: "seed".into(), values: vec!["1".into(), "2".into()] }];
    bench.event(Event::Table { ticket: ticket.unwrap(), table: Table { first: RunId(1), axes, cells } });
    bench.keys("<Right><Enter>");
    let seen = |bench: &Bench| bench.app.on_view().map(|run| (run.id.0, run.state, run.step)).unwrap();
    let (id, state, before) = seen(&bench);
    assert!((id, state) == (2, State::Running) && bench.app.gallery.open);
    bench.steps(2, 20);
    assert!(seen(&bench).2 > before);
    bench.event(Event::Run { run: Run { error: Some("out of luck".into()), ..run(2, "a red three", State::Failed) } });
    assert_eq!(seen(&bench).1, State::Failed);
    assert_eq!(bench.app.gallery.get(RunId(2)).map(|run| run.state), Some(State::Failed));
}

#[test]
fn a_first_search_that_fails_is_asked_again_at_the_next_key_and_when_the_gallery_is_opened_again() {
    let mut bench = Bench::with_engine(120, 40);
    let asked = |bench: &mut Bench| {
        bench.draw();
        bench.sent().iter().find_map(|command| if let Command::Find { ticket, .. } = command { Some(*ticket) } else { None })
    };
    bench.keys("<Esc>");
    bench.sent();
    for keys in ["g", "<Down>", "<Esc>g"] {
        bench.keys(keys);
        let ticket = asked(&mut bench).unwrap_or_else(|| panic!("{keys}: it is not asked"));
        bench.event(Event::Failed { ticket, text: "the disk is slow".into() });
        assert_eq!(asked(&mut bench), None, "{keys}: it is asked over and over");
    }
}
