//! Shapes as places on a grid of pixels: pure functions, each place once or more, some of them outside the sheet.

use super::sheet::{Point, Sheet};
use std::collections::BTreeMap;

/// A straight line with both its ends (Bresenham).
pub fn line(from: Point, to: Point) -> Vec<Point> {
    let (dx, dy) = ((to.x - from.x).abs(), -(to.y - from.y).abs());
    let (step_x, step_y) = ((to.x - from.x).signum(), (to.y - from.y).signum());
    let (mut at, mut error) = (from, dx + dy);
    let mut places = vec![at];
    while at != to {
        let twice = 2 * error;
        if twice >= dy {
            error += dy;
            at.x += step_x;
        }
        if twice <= dx {
            error += dx;
            at.y += step_y;
        }
        places.push(at);
    }
    places
}

/// The rectangle between two corners.
pub fn rectangle(one: Point, other: Point) -> Vec<Point> {
    let (low, high) = corners(one, other);
    let beside = (low.x..=high.x).flat_map(|x| [Point { x, y: low.y }, Point { x, y: high.y }]);
    let above = (low.y..=high.y).flat_map(|y| [Point { x: low.x, y }, Point { x: high.x, y }]);
    beside.chain(above).collect()
}

/// The ellipse that touches the four sides of the rectangle between two corners (midpoint algorithm, after Zingl).
pub fn ellipse(one: Point, other: Point) -> Vec<Point> {
    let (low, high) = corners(one, other);
    let (a, b) = (i64::from(high.x - low.x), i64::from(high.y - low.y));
    let odd = b & 1;
    let (mut dx, mut dy) = (4 * (1 - a) * b * b, 4 * (odd + 1) * a * a);
    let mut error = dx + dy + odd * a * a;
    // One quarter is walked, from the side to the top; the others mirror it.
    let (mut left, mut right) = (low.x, high.x);
    let mut below = low.y + (b as i32 + 1) / 2;
    let mut above = below - odd as i32;
    let mut places = Vec::new();
    while left <= right {
        places.extend([(right, below), (left, below), (left, above), (right, above)].map(|(x, y)| Point { x, y }));
        let twice = 2 * error;
        if twice <= dy {
            (below, above) = (below + 1, above - 1);
            dy += 8 * a * a;
            error += dy;
        }
        if twice >= dx || 2 * error > dy {
            (left, right) = (left + 1, right - 1);
            dx += 8 * b * b;
            error += dx;
        }
    }
    // A flat one stops before it has its tips.
    while i64::from(below - above) <= b {
        places.extend([(left - 1, below), (right + 1, below), (left - 1, above), (right + 1, above)].map(|(x, y)| Point { x, y }));
        (below, above) = (below + 1, above - 1);
    }
    places
}

/// An outline without a dent in its rows, and all that lies inside.
pub fn solid(outline: &[Point]) -> Vec<Point> {
    let mut rows: BTreeMap<i32, (i32, i32)> = BTreeMap::new();
    for at in outline {
        let row = rows.entry(at.y).or_insert((at.x, at.x));
        *row = (row.0.min(at.x), row.1.max(at.x));
    }
    rows.into_iter().flat_map(|(y, (from, to))| (from..=to).map(move |x| Point { x, y })).collect()
}

/// The places that a fill reaches: those of the same colour that touch by their sides, from here on.
pub fn flood(sheet: &Sheet, from: Point) -> Vec<Point> {
    let Some(colour) = sheet.get(from) else { return Vec::new() };
    let (width, height) = sheet.size();
    let mut seen = vec![false; width as usize * height as usize];
    let (mut places, mut open) = (Vec::new(), vec![from]);
    while let Some(at) = open.pop() {
        if sheet.get(at) != Some(colour) {
            continue;
        }
        // A place with a colour is on the sheet.
        let index = at.y as usize * width as usize + at.x as usize;
        if !std::mem::replace(&mut seen[index], true) {
            places.push(at);
            open.extend([(1, 0), (-1, 0), (0, 1), (0, -1)].map(|(x, y)| Point { x: at.x + x, y: at.y + y }));
        }
    }
    places
}

/// What a round brush of so many pixels leaves when it goes over these places.
pub fn stamp(places: &[Point], size: i32) -> Vec<Point> {
    let (from, to) = (-(size - 1) / 2, size / 2);
    // Twice the distance from the brush's middle, which for an even size lies between pixels.
    let twice = |d: i32| 2 * d - (from + to);
    let inside = |x: i32, y: i32| twice(x).pow(2) + twice(y).pow(2) <= size * size;
    let foot: Vec<_> = (from..=to).flat_map(|y| (from..=to).map(move |x| (x, y))).filter(|(x, y)| inside(*x, *y)).collect();
    places.iter().flat_map(|at| foot.iter().map(|(x, y)| Point { x: at.x + x, y: at.y + y })).collect()
}

/// The places and their mirror images, left for right, on a sheet of this width.
pub fn mirrored(places: &[Point], width: u32) -> Vec<Point> {
    let image = places.iter().map(|at| Point { x: width as i32 - 1 - at.x, y: at.y });
    places.iter().copied().chain(image).collect()
}

fn corners(one: Point, other: Point) -> (Point, Point) {
    let low = Point { x: one.x.min(other.x), y: one.y.min(other.y) };
    (low, Point { x: one.x.max(other.x), y: one.y.max(other.y) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What places look like on a small sheet.
    fn drawn(places: &[Point], width: i32, height: i32) -> Vec<String> {
        let mark = |x, y| if places.contains(&Point { x, y }) { '#' } else { '.' };
        (0..height).map(|y| (0..width).map(|x| mark(x, y)).collect()).collect()
    }

    fn at(x: i32, y: i32) -> Point {
        Point { x, y }
    }

    #[test]
    fn an_ellipse_is_round_and_touches_its_box() {
        let round = drawn(&ellipse(at(0, 0), at(6, 6)), 7, 7);
        assert_eq!(round, ["..###..", ".#...#.", "#.....#", "#.....#", "#.....#", ".#...#.", "..###.."]);
        let even = drawn(&ellipse(at(3, 3), at(0, 0)), 4, 4);
        assert_eq!(even, [".##.", "#..#", "#..#", ".##."]);
        assert_eq!(drawn(&ellipse(at(0, 1), at(4, 1)), 5, 3), [".....", "#####", "....."], "a flat one is a line");
    }

    #[test]
    fn a_fill_stops_at_a_wall_and_does_not_slip_through_its_corners() {
        let mut sheet = Sheet::new(5, 5, [255; 3]);
        sheet.paint(&line(at(0, 4), at(4, 0)), [0; 3]);
        assert_eq!(flood(&sheet, at(0, 0)).len(), 10, "one side of the diagonal");
        assert_eq!(flood(&sheet, at(2, 2)).len(), 1, "diagonal steps do not touch");
        assert!(flood(&sheet, at(9, 9)).is_empty());
    }

    #[test]
    fn a_brush_grows_around_its_place() {
        assert_eq!(stamp(&[at(2, 2)], 1), [at(2, 2)]);
        assert_eq!(drawn(&stamp(&[at(1, 1)], 2), 4, 4), ["....", ".##.", ".##.", "...."]);
        assert_eq!(drawn(&stamp(&[at(2, 2)], 4), 6, 6), ["......", "..##..", ".####.", ".####.", "..##..", "......"]);
    }

    proptest! {
        #[test]
        fn a_line_is_whole_and_the_shortest(x in -80i32..80, y in -80i32..80, u in -80i32..80, v in -80i32..80) {
            let places = line(at(x, y), at(u, v));
            prop_assert_eq!((places[0], places[places.len() - 1]), (at(x, y), at(u, v)));
            prop_assert_eq!(places.len() as i32, (x - u).abs().max((y - v).abs()) + 1);
            prop_assert!(places.windows(2).all(|pair| (pair[0].x - pair[1].x).abs() <= 1 && (pair[0].y - pair[1].y).abs() <= 1));
        }

        #[test]
        fn an_ellipse_fills_its_box_to_the_sides_and_mirrors_itself(x in -40i32..40, y in -40i32..40, w in 0i32..80, h in 0i32..80) {
            let places = ellipse(at(x, y), at(x + w, y + h));
            let (xs, ys) = (places.iter().map(|p| p.x), places.iter().map(|p| p.y));
            prop_assert_eq!((xs.clone().min(), xs.max()), (Some(x), Some(x + w)));
            prop_assert_eq!((ys.clone().min(), ys.max()), (Some(y), Some(y + h)));
            for p in &places {
                prop_assert!(places.contains(&at(2 * x + w - p.x, p.y)) && places.contains(&at(p.x, 2 * y + h - p.y)), "{:?}", p);
            }
        }

        #[test]
        fn a_rectangle_is_solid_with_all_inside(x in 0i32..20, y in 0i32..20, w in 0i32..20, h in 0i32..20) {
            prop_assert_eq!(solid(&rectangle(at(x, y), at(x + w, y + h))).len() as i32, (w + 1) * (h + 1));
        }
    }
}
