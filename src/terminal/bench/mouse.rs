//! What the mouse does, by what is under it.

use super::Bench;
use crate::app::Input;
use crate::ui;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

impl Bench {
    pub(super) fn mouse(&mut self, mouse: MouseEvent) {
        let (area, at) = (self.area(), Position::new(mouse.column, mouse.row));
        let down = mouse.kind == MouseEventKind::ScrollDown;
        if let Some(stroke) = ui::stroke(&self.app, area, mouse) {
            return self.feed(Input::Stroke(stroke));
        }
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(target) = ui::target(&self.app, area, at) {
                    self.feed(Input::Click(target));
                }
            }
            MouseEventKind::Drag(MouseButton::Left) if self.app.queue.drag.is_some() => {
                self.feed(Input::Drag(ui::target(&self.app, area, at)));
            }
            MouseEventKind::Up(MouseButton::Left) if self.app.queue.drag.is_some() => self.feed(Input::Drop),
            MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
                if let Some(pane) = ui::pane(&self.app, area, at) {
                    self.feed(Input::Wheel { pane, down });
                }
            }
            _ => {}
        }
    }
}
