//! kitty's protocol for pictures.
//!
//! A picture is sent in chunks, and only its last piece puts it on the screen, in the place of the one before: until
//! then the old one stays. Between chunks there may be text, but nothing else of this protocol.

use super::{Paper, Piece, Print, Slot};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use image::RgbImage;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
    widgets::Widget,
};
use ratatui_image::Image;
use ratatui_image::protocol::{Protocol, kitty::Kitty};
use std::io::Write;

/// The most bytes of a chunk, as the protocol has it.
const CHUNK: usize = 4096;
/// What a chunk has beside its bytes, at most.
const FRAME: usize = 64;

/// A picture that fills these characters, in chunks of about so many bytes.
pub fn print(picture: &RgbImage, size: Size, paper: Paper, (slot, turn): (Slot, u8), most: usize) -> Option<Print> {
    // The placeholders that tmux needs name the picture, so that another number would be other text.
    let id = slot.kitty_id() | if paper.tmux { 0 } else { u32::from(turn + 1) << 24 };
    let wrap = |text: String| if paper.tmux { through_tmux(&text) } else { text };
    let mut raw = picture.as_raw().clone();
    let mut packing = "";
    if paper.compress {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(&raw).ok()?;
        let packed = packer.finish().ok()?;
        // Pixels of noise do not pack.
        (raw, packing) = if packed.len() < raw.len() { (packed, ",o=z") } else { (raw, "") };
    }
    let data = STANDARD.encode(raw);
    // All chunks but the last are of a length that four divides.
    let chunk = most.saturating_sub(FRAME).clamp(FRAME, CHUNK) / 4 * 4;
    let (width, height) = picture.dimensions();
    let mut pieces = Vec::new();
    let chunks = data.as_bytes().chunks(chunk);
    let last = chunks.len().saturating_sub(1);
    for (at, chunk) in chunks.enumerate() {
        let facts = if at == 0 { format!(",i={id},a=t,t=d,f=24{packing},s={width},v={height}") } else { String::new() };
        let text = format!("\x1b_Gq=2{facts},m={};{}\x1b\\", u8::from(at < last), String::from_utf8_lossy(chunk));
        pieces.push(Piece { row: 0, text: wrap(text) });
    }
    let (columns, rows) = (size.width, size.height);
    let virtual_ = if paper.tmux { ",U=1" } else { "" };
    let place = wrap(format!("\x1b_Gq=2,a=p,i={id},p=1{virtual_},c={columns},r={rows},C=1\x1b\\"));
    // What is in its place is the last chunk's business: it must not wait for a piece of its own.
    pieces.last_mut()?.text.push_str(&place);
    let cells = if paper.tmux { Some(placeholders(size, id)?) } else { None };
    Some(Print { size, cells, pieces, id, coarse: false })
}

/// The characters that stand for a picture in tmux, which moves and erases them with the text.
fn placeholders(size: Size, id: u32) -> Option<Buffer> {
    let nothing = Kitty::new(RgbImage::new(1, 1).into(), size, id, true, false).ok()?;
    let mut cells = Buffer::empty(Rect::from((Position::ORIGIN, size)));
    let held = Protocol::Kitty(nothing);
    // Its first cell carries a transmission, which is not the picture's; a second time it does not.
    Image::new(&held).render(cells.area, &mut cells);
    cells.reset();
    Image::new(&held).render(cells.area, &mut cells);
    Some(cells)
}

/// What makes kitty forget a picture.
pub fn forget(id: u32, tmux: bool) -> String {
    let text = format!("\x1b_Ga=d,d=I,q=2,i={id}\x1b\\");
    if tmux { through_tmux(&text) } else { text }
}

/// What makes kitty forget all of our pictures. Those in tmux are on no screen, so that they have to be named.
pub fn forget_all(tmux: bool) -> String {
    if tmux { through_tmux("\x1b_Ga=d,d=R,q=2,x=1,y=16777215\x1b\\") } else { "\x1b_Ga=d,d=A,q=2\x1b\\".to_owned() }
}

/// What ends a picture of which not all chunks were sent, so that kitty takes other commands again.
pub fn abandon(id: u32, tmux: bool) -> String {
    let text = "\x1b_Gq=2,m=0;\x1b\\";
    (if tmux { through_tmux(text) } else { text.to_owned() }) + &forget(id, tmux)
}

/// Text that tmux passes on to the terminal as it is.
pub fn through_tmux(text: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", text.replace('\x1b', "\x1b\x1b"))
}
