//! Every key, once.

use super::{Action, Binding, Context};
use crate::app::canvas::{Tool, Touch};
use crate::app::{OnRun, OnTraining, Sketch};
use crate::recipe::Export;
use crossterm::event::{KeyCode, KeyModifiers};

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

/// A binding that the footer shows.
const fn shown(code: KeyCode, held: KeyModifiers, context: Context, action: Action, words: &'static str) -> Binding {
    Binding { code, held, context, action, words, footer: true }
}

/// A binding that only the help shows.
const fn quiet(code: KeyCode, held: KeyModifiers, context: Context, action: Action, words: &'static str) -> Binding {
    Binding { code, held, context, action, words, footer: false }
}

/// Every key that does something, but for the editing of text. The footer keeps this order.
#[rustfmt::skip] // A binding a line.
pub const BINDINGS: &[Binding] = &[
    shown(KeyCode::Left, NONE, Context::Inspector, Action::OnRun(OnRun::StepBefore), "step before"),
    shown(KeyCode::Right, NONE, Context::Inspector, Action::OnRun(OnRun::StepAfter), "step after"),
    shown(KeyCode::Char('x'), NONE, Context::Inspector, Action::OnRun(OnRun::NextLayer), "next layer"),
    shown(KeyCode::Char('b'), NONE, Context::Inspector, Action::OnRun(OnRun::Branch), "branch from here"),
    shown(KeyCode::Char('p'), NONE, Context::Inspector, Action::OnRun(OnRun::Play), "play, stop"),
    shown(KeyCode::Esc, NONE, Context::Inspector, Action::OnRun(OnRun::LookAway), "back"),
    quiet(KeyCode::Home, NONE, Context::Inspector, Action::OnRun(OnRun::FirstStep), "the first step"),
    quiet(KeyCode::End, NONE, Context::Inspector, Action::OnRun(OnRun::LastStep), "the newest step, and those that come"),

    shown(KeyCode::Esc, NONE, Context::Watch, Action::OnTraining(OnTraining::Close), "back"),
    shown(KeyCode::Char(' '), NONE, Context::Watch, Action::OnRun(OnRun::Pause), "pause, go on"),
    shown(KeyCode::Char('f'), NONE, Context::Watch, Action::OnTraining(OnTraining::Finish), "finish epoch"),
    shown(KeyCode::Char('c'), NONE, Context::Watch, Action::Cancel, "stop"),
    shown(KeyCode::Char('z'), NONE, Context::Watch, Action::OnTraining(OnTraining::Zoom), "zoom"),
    shown(KeyCode::Left, NONE, Context::Watch, Action::OnTraining(OnTraining::EpochBefore), "earlier"),
    shown(KeyCode::Right, NONE, Context::Watch, Action::OnTraining(OnTraining::EpochAfter), "later"),
    shown(KeyCode::Char('v'), NONE, Context::Watch, Action::OnTraining(OnTraining::Widen), "pictures"),
    shown(KeyCode::Char('o'), NONE, Context::Watch, Action::OnTraining(OnTraining::Choose), "lay over"),
    shown(KeyCode::Char('d'), NONE, Context::Watch, Action::OnTraining(OnTraining::Sample), "draw digits"),
    shown(KeyCode::Char('s'), NONE, Context::Watch, Action::OnRun(OnRun::Menu), "sheet or film"),
    quiet(KeyCode::Home, NONE, Context::Watch, Action::OnTraining(OnTraining::FirstEpoch), "the first epoch"),
    quiet(KeyCode::End, NONE, Context::Watch, Action::OnTraining(OnTraining::NewestEpoch), "the newest epoch, and those that come"),
    quiet(KeyCode::Down, NONE, Context::Watch, Action::OnTraining(OnTraining::Older), "the training before"),
    quiet(KeyCode::Up, NONE, Context::Watch, Action::OnTraining(OnTraining::Newer), "the training after"),
    quiet(KeyCode::Char('r'), NONE, Context::Watch, Action::Recall, "recipe into the form"),
    quiet(KeyCode::Char('n'), NONE, Context::Watch, Action::OnRun(OnRun::Note), "note"),
    quiet(KeyCode::Char('.'), NONE, Context::Watch, Action::OnRun(OnRun::Advance), "one step"),
    quiet(KeyCode::Char('w'), NONE, Context::Watch, Action::OnTraining(OnTraining::Close), "back"),
    quiet(KeyCode::Char('T'), NONE, Context::Watch, Action::Theme, "next theme"),
    shown(KeyCode::Char('?'), NONE, Context::Watch, Action::Help, "keys"),
    quiet(KeyCode::F(1), NONE, Context::Watch, Action::Help, "keys"),
    shown(KeyCode::Char('q'), NONE, Context::Watch, Action::Leave, "leave"),
    quiet(KeyCode::Char('q'), CTRL, Context::Watch, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Watch, Action::Leave, "leave"),

    shown(KeyCode::Char(' '), NONE, Context::Curves, Action::OnTraining(OnTraining::Toggle), "lay over, take away"),
    quiet(KeyCode::Enter, NONE, Context::Curves, Action::OnTraining(OnTraining::Toggle), "lay over, take away"),
    shown(KeyCode::Down, NONE, Context::Curves, Action::Down, "next training"),
    quiet(KeyCode::Up, NONE, Context::Curves, Action::Up, "training before"),
    shown(KeyCode::Esc, NONE, Context::Curves, Action::Close, "close"),
    quiet(KeyCode::Char('o'), NONE, Context::Curves, Action::Close, "close"),
    quiet(KeyCode::Char('q'), NONE, Context::Curves, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Curves, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Curves, Action::Leave, "leave"),

    shown(KeyCode::Enter, NONE, Context::Stopped, Action::Resume, "resume"),
    shown(KeyCode::Enter, NONE, Context::Training, Action::OnTraining(OnTraining::Open), "watch it"),
    shown(KeyCode::Enter, NONE, Context::History, Action::Large, "large, and back"),
    shown(KeyCode::Esc, NONE, Context::Large, Action::Close, "back"),
    shown(KeyCode::Char('N'), NONE, Context::Outside, Action::Newest, "newest"),
    shown(KeyCode::Char(' '), NONE, Context::Outside, Action::OnRun(OnRun::Pause), "pause, go on"),
    shown(KeyCode::Char('.'), NONE, Context::Outside, Action::OnRun(OnRun::Advance), "one step"),

    shown(KeyCode::Enter, NONE, Context::Anywhere, Action::Develop, "develop"),
    shown(KeyCode::Tab, NONE, Context::Anywhere, Action::NextPane, "next pane"),
    shown(KeyCode::Char('d'), CTRL, Context::Image, Action::Draw, "draw it"),
    quiet(KeyCode::BackTab, NONE, Context::Anywhere, Action::PreviousPane, "pane before"),

    shown(KeyCode::Enter, ALT, Context::Prompt, Action::NewLine, "new line"),
    quiet(KeyCode::Up, NONE, Context::Prompt, Action::Up, "line up; from the first line, the prompt before"),
    quiet(KeyCode::Down, NONE, Context::Prompt, Action::Down, "line down; from the last line, the prompt after"),

    shown(KeyCode::Char(' '), NONE, Context::Choice, Action::Right, "next choice"),
    quiet(KeyCode::Left, NONE, Context::Choice, Action::Left, "choice before"),
    quiet(KeyCode::Right, NONE, Context::Choice, Action::Right, "next choice"),
    shown(KeyCode::Down, NONE, Context::Parameters, Action::Down, "next field"),
    quiet(KeyCode::Up, NONE, Context::Parameters, Action::Up, "field before"),

    shown(KeyCode::Esc, NONE, Context::Field, Action::LeaveField, "leave the field"),

    quiet(KeyCode::Left, NONE, Context::Preview, Action::OnRun(OnRun::LastStep), "inside the run, its newest step"),
    quiet(KeyCode::Right, NONE, Context::Preview, Action::OnRun(OnRun::FirstStep), "inside the run, its first step"),
    quiet(KeyCode::Down, NONE, Context::Preview, Action::Down, "the run's next picture alone"),
    quiet(KeyCode::Up, NONE, Context::Preview, Action::Up, "picture before; all of them"),

    shown(KeyCode::Down, NONE, Context::Queue, Action::Down, "next run"),
    quiet(KeyCode::Up, NONE, Context::Queue, Action::Up, "run before"),

    shown(KeyCode::Up, NONE, Context::Log, Action::Up, "older lines"),
    quiet(KeyCode::Down, NONE, Context::Log, Action::Down, "newer lines"),
    quiet(KeyCode::PageUp, NONE, Context::Log, Action::PageUp, "ten lines older"),
    quiet(KeyCode::PageDown, NONE, Context::Log, Action::PageDown, "ten lines newer"),
    quiet(KeyCode::Home, NONE, Context::Log, Action::First, "the oldest line"),
    quiet(KeyCode::End, NONE, Context::Log, Action::Last, "the newest line"),

    shown(KeyCode::Right, NONE, Context::History, Action::Right, "older run"),
    quiet(KeyCode::Left, NONE, Context::History, Action::Left, "newer run"),
    quiet(KeyCode::PageDown, NONE, Context::History, Action::PageDown, "ten runs older"),
    quiet(KeyCode::PageUp, NONE, Context::History, Action::PageUp, "ten runs newer"),
    quiet(KeyCode::Home, NONE, Context::History, Action::First, "the newest run"),
    quiet(KeyCode::End, NONE, Context::History, Action::Last, "the oldest run that is loaded"),

    shown(KeyCode::Char('e'), NONE, Context::Outside, Action::Experiments, "experiment"),
    shown(KeyCode::F(2), NONE, Context::Anywhere, Action::Experiments, "experiment"),
    shown(KeyCode::Char('i'), NONE, Context::Outside, Action::EnterField, "type"),
    shown(KeyCode::Char('w'), NONE, Context::Outside, Action::OnTraining(OnTraining::Open), "training"),
    shown(KeyCode::Char('x'), NONE, Context::Outside, Action::OnRun(OnRun::Inspect), "look inside"),
    shown(KeyCode::Char('n'), NONE, Context::Outside, Action::OnRun(OnRun::Note), "note"),
    shown(KeyCode::Char('s'), NONE, Context::Outside, Action::OnRun(OnRun::Menu), "sheet or film"),
    shown(KeyCode::Char('r'), NONE, Context::Outside, Action::Recall, "recipe into the form"),
    shown(KeyCode::Char('c'), NONE, Context::Outside, Action::Cancel, "cancel the selected job"),
    quiet(KeyCode::Char('z'), NONE, Context::Outside, Action::Large, "the picture large, and back"),
    quiet(KeyCode::Char('T'), NONE, Context::Outside, Action::Theme, "next theme"),
    shown(KeyCode::Char('?'), NONE, Context::Outside, Action::Help, "keys"),
    shown(KeyCode::Char('q'), NONE, Context::Outside, Action::Leave, "leave"),
    shown(KeyCode::F(1), NONE, Context::Anywhere, Action::Help, "keys"),
    shown(KeyCode::Char('q'), CTRL, Context::Anywhere, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Anywhere, Action::Leave, "leave"),

    shown(KeyCode::Down, NONE, Context::Help, Action::Down, "further down"),
    quiet(KeyCode::Up, NONE, Context::Help, Action::Up, "further up"),
    quiet(KeyCode::PageDown, NONE, Context::Help, Action::PageDown, "ten lines down"),
    quiet(KeyCode::PageUp, NONE, Context::Help, Action::PageUp, "ten lines up"),
    shown(KeyCode::Esc, NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::F(1), NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::Char('?'), NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::Char('q'), NONE, Context::Help, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Help, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Help, Action::Leave, "leave"),

    shown(KeyCode::Enter, NONE, Context::Picker, Action::Choose, "choose"),
    shown(KeyCode::Down, NONE, Context::Picker, Action::Down, "next experiment"),
    quiet(KeyCode::Up, NONE, Context::Picker, Action::Up, "experiment before"),
    shown(KeyCode::Esc, NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::F(2), NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::Char('e'), NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::Char('q'), NONE, Context::Picker, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Picker, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Picker, Action::Leave, "leave"),

    shown(KeyCode::Enter, NONE, Context::Question, Action::LeaveNow, "leave"),
    shown(KeyCode::Char('c'), NONE, Context::Question, Action::CancelAndLeave, "cancel them"),
    shown(KeyCode::Esc, NONE, Context::Question, Action::Close, "stay"),
    quiet(KeyCode::Char('q'), CTRL, Context::Question, Action::LeaveNow, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Question, Action::LeaveNow, "leave"),

    shown(KeyCode::Enter, NONE, Context::Note, Action::OnRun(OnRun::SaveNote), "save"),
    shown(KeyCode::Enter, ALT, Context::Note, Action::OnRun(OnRun::NoteLine), "new line"),
    shown(KeyCode::Esc, NONE, Context::Note, Action::Close, "keep as a draft"),
    quiet(KeyCode::Char('q'), CTRL, Context::Note, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Note, Action::Leave, "leave"),

    shown(KeyCode::Char('s'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Sheet)), "labelled sheet (PNG)"),
    shown(KeyCode::Char('g'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Gif)), "film of its steps (GIF)"),
    shown(KeyCode::Char('a'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Apng)), "film of its steps (animated PNG)"),
    shown(KeyCode::Char('t'), NONE, Context::Export, Action::OnRun(OnRun::Export(Export::Turning)), "turning from view to view (GIF)"),
    shown(KeyCode::Esc, NONE, Context::Export, Action::Close, "close"),
    quiet(KeyCode::Char('q'), CTRL, Context::Export, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Export, Action::Leave, "leave"),

    shown(KeyCode::Char(' '), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Press)), "draw, end"),
    shown(KeyCode::Enter, NONE, Context::Easel, Action::Sketch(Sketch::Use), "use it"),
    shown(KeyCode::Esc, NONE, Context::Easel, Action::Sketch(Sketch::LetGo), "put aside"),
    quiet(KeyCode::Left, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Move(-1, 0))), "a pixel left"),
    quiet(KeyCode::Right, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Move(1, 0))), "a pixel right"),
    quiet(KeyCode::Up, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Move(0, -1))), "a pixel up"),
    quiet(KeyCode::Down, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Move(0, 1))), "a pixel down"),
    quiet(KeyCode::Home, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Leap(-1, 0))), "eight pixels left"),
    quiet(KeyCode::End, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Leap(1, 0))), "eight pixels right"),
    quiet(KeyCode::PageUp, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Leap(0, -1))), "eight pixels up"),
    quiet(KeyCode::PageDown, NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Leap(0, 1))), "eight pixels down"),
    quiet(KeyCode::Char('p'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Take(Tool::Pen))), "pen"),
    quiet(KeyCode::Char('l'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Take(Tool::Line))), "line"),
    quiet(KeyCode::Char('r'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Take(Tool::Rectangle))), "rectangle"),
    quiet(KeyCode::Char('o'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Take(Tool::Ellipse))), "ellipse"),
    quiet(KeyCode::Char('f'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Take(Tool::Fill))), "fill"),
    quiet(KeyCode::Char('e'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Take(Tool::Eraser))), "eraser"),
    quiet(KeyCode::Char('s'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Solid)), "rectangles and ellipses solid, or outlines"),
    quiet(KeyCode::Char(']'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Brush(1))), "thicker brush"),
    quiet(KeyCode::Char('['), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Brush(-1))), "thinner brush"),
    quiet(KeyCode::Char('c'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Turn(1))), "next colour"),
    quiet(KeyCode::Char('C'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Turn(-1))), "colour before"),
    quiet(KeyCode::Char('1'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(0))), "the first colour of the palette"),
    quiet(KeyCode::Char('2'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(1))), "the second colour of the palette"),
    quiet(KeyCode::Char('3'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(2))), "the third colour of the palette"),
    quiet(KeyCode::Char('4'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(3))), "the fourth colour of the palette"),
    quiet(KeyCode::Char('5'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(4))), "the fifth colour of the palette"),
    quiet(KeyCode::Char('6'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(5))), "the sixth colour of the palette"),
    quiet(KeyCode::Char('7'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(6))), "the seventh colour of the palette"),
    quiet(KeyCode::Char('8'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(7))), "the eighth colour of the palette"),
    quiet(KeyCode::Char('9'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(8))), "the ninth colour of the palette"),
    quiet(KeyCode::Char('0'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Pick(9))), "the tenth colour of the palette"),
    shown(KeyCode::Char('u'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Undo)), "undo"),
    quiet(KeyCode::Char('U'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Redo)), "redo"),
    quiet(KeyCode::Char('m'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Mirror)), "mirror what is drawn, left for right"),
    quiet(KeyCode::Char('v'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Invert)), "invert the colours; in a mask, swap new and keep"),
    quiet(KeyCode::Char('w'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Clear)), "wipe the sheet"),
    quiet(KeyCode::Char('i'), NONE, Context::Easel, Action::Sketch(Sketch::Load), "lay the field's picture underneath; load its mask"),
    quiet(KeyCode::Char('z'), NONE, Context::Easel, Action::Sketch(Sketch::Touch(Touch::Zoom)), "pixels larger; as large as fits"),
    shown(KeyCode::Char('?'), NONE, Context::Easel, Action::Help, "keys"),
    quiet(KeyCode::F(1), NONE, Context::Easel, Action::Help, "keys"),
    shown(KeyCode::Char('q'), CTRL, Context::Easel, Action::Leave, "leave"),
    quiet(KeyCode::Char('c'), CTRL, Context::Easel, Action::Leave, "leave"),
];
