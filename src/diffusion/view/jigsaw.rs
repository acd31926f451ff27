//! A jigsaw puzzle of 4 x 4 pieces with knobs, whose outline looks the same from all four sides.
//!
//! So every piece has three others of its own shape: where it comes to lie when the whole puzzle is turned. The pieces of
//! such a four change their places, each turned to fit.

use super::turn_back;

/// Pieces a side.
const PIECES: usize = 4;
/// A knob's radius, and how far its centre lies behind the edge, in widths of a piece.
const KNOB: (f64, f64) = (0.171, 0.113);

/// Where the four pieces of each kind go, by the number of quarter turns from the first: corners, edges, edges, inner ones.
const MOVES: [[usize; 4]; 4] = [[2, 3, 1, 0], [1, 3, 0, 2], [3, 2, 0, 1], [2, 0, 3, 1]];

/// A piece: which kind, and how many quarter turns clockwise from the first of its kind.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Piece {
    kind: usize,
    turns: usize,
}

/// The pixel that the one at (y, x) shows behind the view.
pub(super) fn from(side: usize, y: usize, x: usize) -> (usize, usize) {
    let to = piece(side, y, x);
    let turns = MOVES[to.kind].iter().position(|moved| *moved == to.turns).unwrap_or(to.turns);
    // The piece was turned on by so much; the pixel goes back as far.
    turn_back((y, x), side, (to.turns + 4 - turns) % 4)
}

/// The piece that a pixel belongs to: that of its cell, or the neighbour whose knob it lies in.
fn piece(side: usize, y: usize, x: usize) -> Piece {
    let cell = side / PIECES;
    let (row, column) = (y / cell, x / cell);
    let own = at(row, column);
    // From the middle of the cell, in widths of a piece.
    let offset = |at: usize| ((at % cell) as f64 + 0.5) / cell as f64 - 0.5;
    let (dy, dx) = (offset(y), offset(x));
    for (up, left) in [(-1isize, 0isize), (0, 1), (1, 0), (0, -1)] {
        let (Some(other_row), Some(other_column)) = (row.checked_add_signed(up), column.checked_add_signed(left)) else { continue };
        if other_row >= PIECES || other_column >= PIECES {
            continue;
        }
        let other = at(other_row, other_column);
        let (radius, depth) = KNOB;
        let centre = (up as f64 * (0.5 - depth), left as f64 * (0.5 - depth));
        if has_knob(other, own) && (dy - centre.0).hypot(dx - centre.1) < radius {
            return other;
        }
    }
    own
}

/// Whether a piece reaches into its neighbour: towards the later kind, and around the middle clockwise.
fn has_knob(piece: Piece, into: Piece) -> bool {
    match piece.kind == into.kind {
        true => (piece.turns + 1) % 4 == into.turns,
        false => piece.kind < into.kind,
    }
}

/// The piece of a cell: its kind is the place in the top left quarter that it turns to.
fn at(row: usize, column: usize) -> Piece {
    let half = PIECES / 2;
    let (mut place, mut turns) = ((row, column), 0);
    while place.0 >= half || place.1 >= half {
        place = turn_back(place, PIECES, 1);
        turns += 1;
    }
    Piece { kind: place.0 * half + place.1, turns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_puzzle_looks_the_same_from_all_sides() {
        let side = 64;
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            let (here, before) = (piece(side, y, x), turn_back((y, x), side, 1));
            let there = piece(side, before.0, before.1);
            assert_eq!((here.kind, here.turns), (there.kind, (there.turns + 1) % 4), "at {y} {x}");
        }
    }

    #[test]
    fn the_sixteen_pieces_have_knobs_and_holes() {
        let side = 64;
        let mut outside = 0;
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            outside += usize::from(piece(side, y, x) != at(y / 16, x / 16));
        }
        assert!(outside > 24 * 10, "{outside} pixels lie in knobs");
    }
}
