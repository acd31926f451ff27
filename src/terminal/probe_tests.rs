#![allow(clippy::unwrap_used)]
use super::*;
use crate::preview::Paper;

fn about(between: Between) -> About {
    About { term: "xterm-256color".to_owned(), between, ..About::default() }
}

fn tmux(client: &str) -> About {
    About { client: client.to_owned(), ..about(Between::Tmux { version: "3.5".to_owned(), passes: Some(true) }) }
}

/// Asks, and hears these answers in turn; how pictures are made after each.
fn graphics(probe: &mut Probe, answers: &[Answer]) -> Vec<Graphics> {
    let each = answers.iter().map(|answer| {
        probe.hear(answer);
        probe.paper(Paper::HALF_BLOCKS).graphics
    });
    each.collect()
}

const KITTY: Answer = Answer::Kitty(super::super::judge::PLAIN, true);

#[test]
fn characters_have_to_do_until_the_link_is_much_faster_or_the_terminal_is_asked_again() {
    let mut probe = Probe::new(None);
    let now = Paper { graphics: Graphics::Kitty, ..Paper::HALF_BLOCKS };
    let of = |probe: &Probe| probe.paper(now).graphics;
    probe.ask(about(Between::Nothing));
    assert_eq!(graphics(&mut probe, &[KITTY, Answer::Status])[1], Graphics::Kitty);
    probe.weigh(true, None);
    probe.weigh(false, Some(1e4));
    assert_eq!(of(&probe), Graphics::Kitty);
    probe.weigh(true, Some(1e4));
    assert_eq!((of(&probe), probe.note().is_some()), (Graphics::HalfBlocks, true));
    probe.speed(2e4);
    assert_eq!(of(&probe), Graphics::HalfBlocks);
    probe.speed(5e4);
    assert_eq!((of(&probe), probe.note()), (Graphics::Kitty, None));
    probe.weigh(true, Some(1e4));
    probe.ask(about(Between::Nothing));
    graphics(&mut probe, &[KITTY, Answer::Status]);
    assert_eq!(of(&probe), Graphics::Kitty);
}

#[test]
fn pictures_behind_tmux_stay_while_it_answers_sooner_than_the_terminal_behind_it() {
    let mut probe = Probe::new(None);
    probe.ask(tmux("/dev/pts/1 7"));
    assert_eq!(graphics(&mut probe, &[Answer::Status, KITTY]), [Graphics::HalfBlocks, Graphics::Kitty]);
    probe.ask(tmux("/dev/pts/1 7"));
    assert_eq!(graphics(&mut probe, &[Answer::Status, KITTY]), [Graphics::Kitty, Graphics::Kitty]);
    // It shows its screen on another terminal now.
    probe.ask(tmux("/dev/pts/2 8"));
    assert_eq!(graphics(&mut probe, &[Answer::Status]), [Graphics::HalfBlocks]);
}
